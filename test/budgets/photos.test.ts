import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { IsolateProbe, totalOf } from './isolate-memory.ts';
import { ISOLATE_BYTES } from './memory-load.ts';
import { plannedBytes, randomModel } from './random-model.ts';
import { startTwoWorkers } from './two-workers.ts';

const PHOTOS = 20;
const COMMITTED = path.join(import.meta.dirname, '../../models');

/** As phones make them: twelve megapixels, 4:2:0, turned by Exif; every other one progressive. */
function photo(progressive: boolean): Promise<Buffer> {
  const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const;
  return sharp({ create: { width: 4032, height: 3024, channels: 3, background: '#888', noise } })
    .blur(2)
    .jpeg({ quality: 85, chromaSubsampling: '4:2:0', progressive })
    .withMetadata({ orientation: 6 })
    .toBuffer();
}

it(`${PHOTOS} photos of twelve megapixels at once: answered, or refused with Retry-After, within 128 MB`, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'models-'));
  const real = existsSync(path.join(COMMITTED, 'resnet50/manifest.json'));
  if (!real) await randomModel(folder, 'resnet50', 'imagenet-torch');
  const planned = await plannedBytes(path.join(real ? COMMITTED : folder, 'resnet50'));
  const photos = [await photo(false), await photo(true)];
  const workers = await startTwoWorkers([folder, COMMITTED]);
  try {
    // A byte more to each, so that no answer is known.
    const ask = (turn: number) =>
      fetch(`${workers.base}/classify/resnet50`, {
        method: 'POST',
        body: new Uint8Array(Buffer.concat([photos[turn % 2] ?? Buffer.alloc(0), Buffer.from([turn])])),
      });
    const probe = await IsolateProbe.of(workers.inspector, 'gateway');
    probe.start();
    const first = await ask(PHOTOS);
    expect(first.status, await first.text()).toBe(200);
    const responses = await Promise.all(Array.from({ length: PHOTOS }, (_, turn) => ask(turn)));
    const { peak, samples } = await probe.stop();
    const statuses = responses.map(({ status }) => status);
    console.log(`statuses ${statuses.join(' ')}; at most ${(totalOf(peak) / 1e6).toFixed(1)} MB`, peak);
    expect(samples).toBeGreaterThan(10);
    expect(peak.wasm).toBeGreaterThan(planned);
    expect(totalOf(peak)).toBeLessThan(ISOLATE_BYTES);
    expect(statuses).toContain(200);
    for (const { status, headers } of responses) {
      expect([200, 429, 503]).toContain(status);
      if (status !== 200) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
  } finally {
    await workers.stop();
    rmSync(folder, { recursive: true });
  }
}, 180_000);
