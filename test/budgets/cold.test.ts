import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Miniflare } from 'miniflare';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { assetsIn, builtWorker, PLATFORM } from '../bench/direct-worker.ts';
import { spread } from '../bench/statistics.ts';
import { randomModel } from './random-model.ts';

/** At most; one within the budget shows that it can be. */
const STARTS = 8;
const BUDGET = 3;
const WARM = 7;
const committed = path.join(import.meta.dirname, '../../models/resnet50');

it('answers first from a ResNet-50 that is not there yet within three times what it takes when it is', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'cold-'));
  const models = path.join(folder, 'models');
  try {
    await mkdir(models);
    if (existsSync(committed)) await cp(committed, path.join(models, 'resnet50'), { recursive: true });
    else await randomModel(models, 'resnet50', 'imagenet-torch');
    await writeFile(path.join(models, 'index.json'), JSON.stringify({ models: ['resnet50'] }));
    const photo = await sharp({ create: { width: 480, height: 360, channels: 3, background: '#667788' } })
      .jpeg()
      .toBuffer();
    const worker = builtWorker();
    const ratios: number[] = [];
    for (let start = 0; start < STARTS && !(Math.min(...ratios) < BUDGET); start++) {
      const miniflare = new Miniflare({
        ...PLATFORM,
        ...worker,
        bindings: { ACCESS: 'off', ANSWER_CACHE: 'off' },
        assets: assetsIn(folder),
      });
      try {
        const base = await miniflare.ready;
        const milliseconds = async () => {
          const began = performance.now();
          const answer = await fetch(new URL('/classify/resnet50', base), { method: 'POST', body: photo });
          expect(answer.status, await answer.text()).toBe(200);
          return performance.now() - began;
        };
        const cold = await milliseconds();
        const warm: number[] = [];
        for (let i = 0; i < WARM; i++) warm.push(await milliseconds());
        ratios.push(cold / spread(warm).median);
        console.log(`cold ${cold.toFixed(0)} ms, warm ${spread(warm).median.toFixed(0)} ms`);
      } finally {
        await miniflare.dispose();
      }
    }
    // Whatever else the machine does makes a start slower, never faster.
    expect(Math.min(...ratios)).toBeLessThan(BUDGET);
  } finally {
    await rm(folder, { recursive: true });
  }
}, 120_000);
