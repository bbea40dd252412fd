import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { table } from '../../training/terminal/table.ts';
import { residentBytes } from '../bench/resident-bytes.ts';
import { type IsolateMemory, IsolateProbe, totalOf } from './isolate-memory.ts';
import { plannedBytes, randomModel } from './random-model.ts';
import { startTwoWorkers } from './two-workers.ts';

const root = path.join(import.meta.dirname, '../..');
const COMMITTED = path.join(root, 'models');
/** Of an isolate, in bytes: the platform's. */
export const ISOLATE_BYTES = 128_000_000;

/** Integer networks small and large, of which the first isolate cannot hold all at once, and one of TF.js. */
const SHARED = { resnet50: 'imagenet-torch', seresnet50: 'imagenet-torch', googlenet: 'imagenet-caffe' } as const;
const SMALL = ['fashion-cnn', 'fashion-mlp-float'];

export interface MemoryReport {
  readonly isolates: Readonly<Record<'gateway' | 'isolated', { peak: IsolateMemory; samples: number }>>;
  readonly planned: Readonly<Record<string, number>>;
  /** Answers by model and status. */
  readonly answers: ReadonlyMap<string, number>;
  /** What the process grew by over what it had when idle; undefined where that is not told. */
  readonly rssGrowth: number | undefined;
}

/**
 * Mixed concurrent load on both Workers, their memory followed all the time. Networks whose real weights are absent have
 * random ones, at full size.
 * @param own networks for the second Worker
 */
export async function memoryUnderLoad(seconds: number, own: readonly string[]): Promise<MemoryReport> {
  const folder = mkdtempSync(path.join(tmpdir(), 'models-'));
  const presets = { ...SHARED, ...Object.fromEntries(own.map((id) => [id, 'imagenet-caffe' as const])) };
  const planned: Record<string, number> = {};
  for (const [id, preset] of Object.entries(presets)) {
    const real = path.join(COMMITTED, id);
    if (!existsSync(path.join(real, 'manifest.json'))) await randomModel(folder, id, preset);
    planned[id] = await plannedBytes(existsSync(path.join(folder, id)) ? path.join(folder, id) : real);
  }
  const workers = await startTwoWorkers([folder, COMMITTED]);
  try {
    const probes = {
      gateway: await IsolateProbe.of(workers.inspector, 'gateway'),
      isolated: await IsolateProbe.of(workers.inspector, 'isolated'),
    };
    const idle = residentBytes(workers.pid);
    for (const probe of Object.values(probes)) probe.start();
    const rss: number[] = [];
    const looking = setInterval(() => rss.push(residentBytes(workers.pid)), 100);
    const answers = await load(workers.base, seconds, [...Object.keys(presets), ...SMALL]);
    clearInterval(looking);
    const isolates = { gateway: await probes.gateway.stop(), isolated: await probes.isolated.stop() };
    const growth = Math.max(...rss) - idle;
    return { isolates, planned, answers, rssGrowth: Number.isNaN(growth) ? undefined : growth };
  } finally {
    await workers.stop();
    rmSync(folder, { recursive: true });
  }
}

/** Six callers, each with the next model and the next picture: photographs up to twelve megapixels among small ones. */
async function load(base: string, seconds: number, models: readonly string[]): Promise<Map<string, number>> {
  const pictures = await picturesOf();
  const answers = new Map<string, number>();
  const end = Date.now() + seconds * 1000;
  let next = 0;
  const caller = async () => {
    while (Date.now() < end) {
      const turn = next++;
      const model = models[turn % models.length];
      const body = pictures[(turn * 7 + Math.floor(turn / models.length)) % pictures.length];
      if (!body) continue;
      const response = await fetch(`${base}/classify/${model}`, { method: 'POST', body });
      await response.arrayBuffer();
      const key = `${model} ${response.status}`;
      answers.set(key, (answers.get(key) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: 6 }, caller));
  return answers;
}

async function picturesOf(): Promise<readonly Uint8Array<ArrayBuffer>[]> {
  const noise = (width: number, height: number) =>
    sharp({
      create: { width, height, channels: 3, background: '#888', noise: { type: 'gaussian', mean: 128, sigma: 30 } },
    });
  const made = [
    noise(500, 375).jpeg(),
    noise(640, 480).png(),
    noise(1600, 1200).jpeg({ quality: 85 }),
    noise(500, 375).jpeg(),
    noise(2048, 2048).jpeg({ quality: 75 }),
    noise(1024, 768).jpeg({ progressive: true }),
    noise(4032, 3024).blur(3).jpeg({ quality: 80 }),
  ];
  const bytes: Uint8Array<ArrayBuffer>[] = [];
  for (const picture of made) bytes.push(new Uint8Array(await picture.toBuffer()));
  return bytes;
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

/** As tables. */
export function described({ isolates, planned, answers, rssGrowth }: MemoryReport): string {
  const rows = Object.entries(isolates).map(([name, { peak, samples }]) => [
    name,
    megabytes(peak.wasm),
    megabytes(peak.heap + peak.embedder),
    megabytes(peak.backing),
    megabytes(totalOf(peak)),
    megabytes(ISOLATE_BYTES - totalOf(peak)),
    samples,
  ]);
  return [
    table(['isolate', 'MB of wasm', 'heap', 'buffers', 'peak', 'left', 'samples'], rows),
    table(
      ['model', 'MB planned'],
      Object.entries(planned).map(([id, bytes]) => [id, megabytes(bytes)]),
    ),
    `answers: ${[...answers]
      .sort()
      .map(([key, count]) => `${key}: ${count}`)
      .join(', ')}`,
    rssGrowth === undefined ? 'RSS is not told here' : `RSS grew by ${megabytes(rssGrowth)} MB over idle`,
  ].join('\n');
}
