import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Miniflare } from 'miniflare';
import { expect, it } from 'vitest';
import { stageModels } from '../../functions/deploy/assets.ts';
import { assetsIn, builtWorker, PLATFORM } from '../bench/direct-worker.ts';
import { png } from '../fixtures/png.ts';

const committed = path.join(import.meta.dirname, '../../models/fashion-mlp');
const picture = png(28, 28, new Uint8Array(784).fill(90));

it("serves a kept version from the platform's own assets, whose service redirects its folder's name", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'versions-'));
  const [source, target] = [path.join(folder, 'models'), path.join(folder, 'assets')];
  try {
    const manifest = JSON.parse(await readFile(path.join(committed, 'manifest.json'), 'utf8')) as { revision: number };
    for (const [name, revision] of [
      ['fashion-mlp@1', 1],
      ['fashion-mlp', 2],
    ] as const) {
      await cp(committed, path.join(source, name), { recursive: true });
      await writeFile(path.join(source, name, 'manifest.json'), JSON.stringify({ ...manifest, revision }));
    }
    await stageModels(source, target);
    const miniflare = new Miniflare({
      ...PLATFORM,
      ...builtWorker(),
      bindings: { ACCESS: 'off', ANSWER_CACHE: 'off' },
      assets: assetsIn(target),
    });
    try {
      const base = await miniflare.ready;
      const revisionOf = async (name: string) => {
        const answer = await fetch(new URL(`/classify/${name}`, base), { method: 'POST', body: picture });
        return ((await answer.json()) as { model: { revision: number } }).model.revision;
      };
      expect(await revisionOf('fashion-mlp')).toBe(2);
      expect(await revisionOf('fashion-mlp@1')).toBe(1);
      expect(await revisionOf('fashion-mlp%401')).toBe(1);
    } finally {
      await miniflare.dispose();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}, 60_000);
