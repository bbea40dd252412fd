import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { plannedBytes } from '../../../functions/catalogue/load.ts';
import { type Manifest, manifestSchema } from '../../../functions/catalogue/manifest.ts';
import { ModelSpace } from '../../../functions/catalogue/model-space.ts';
import { fileModules, sharedKernels } from '../../../functions/file-modules.ts';
import { nodeThreads, spawnInNode } from '../../../functions/node-threads.ts';
import { decodeProgram } from '../../../functions/runtime/int8/encoding.ts';
import { Engine, memoryBytes } from '../../../functions/runtime/int8/engine.ts';
import { chooseBuild, chooseKernels } from '../../../functions/runtime/int8/kernels.ts';
import type { Program } from '../../../functions/runtime/int8/program.ts';
import { type Mode, type Spawn, type ThreadHandle, ThreadPool } from '../../../functions/runtime/int8/threads.ts';
import { randomNumbers } from '../../../training/train/random.ts';

const models = path.join(import.meta.dirname, '../../../models');
const MOST_BYTES = 2 ** 30;

interface Model {
  readonly manifest: Manifest;
  readonly program: Program;
  readonly weights: Uint8Array;
}

/** Every integer model that is here. */
function integerModels(): Model[] {
  const folders = readdirSync(models, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.flatMap(({ name: id }): Model[] => {
    const read = (file: string) => readFileSync(path.join(models, id, file));
    const manifest = manifestSchema.parse(JSON.parse(read('manifest.json').toString()));
    if (manifest.runtime !== 'int8') return [];
    const filesOf = (role: string) =>
      manifest.files.filter((file) => file.role === role).map((file) => read(file.path));
    const [program = Buffer.alloc(0)] = filesOf('program');
    return [{ manifest, program: decodeProgram(program), weights: Buffer.concat(filesOf('weights')) }];
  });
}

const all = integerModels();
const [small] = all.filter(({ manifest }) => manifest.id === 'fashion-resnet');
const pools: ThreadPool[] = [];
afterAll(() => {
  for (const pool of pools) pool.end();
});

function pooled(threads: number, spawn: Spawn = spawnInNode): ThreadPool {
  const module = sharedKernels(chooseBuild(fileModules.int8));
  const pool = new ThreadPool({ spawn, threads, module, mostBytes: MOST_BYTES });
  pools.push(pool);
  return pool;
}

const picture = ({ program: { input } }: Model, seed: number): Uint8Array => {
  const random = randomNumbers(seed);
  return Uint8Array.from({ length: input.height * input.width * input.channels }, () => Math.floor(random() * 256));
};

function inOneThread(model: Model, pictures: readonly Uint8Array[]): Float32Array[] {
  const engine = new Engine(chooseKernels(fileModules.int8), model.program);
  engine.weights.set(model.weights);
  return pictures.map((pixels) => {
    engine.input.set(pixels);
    engine.run();
    return engine.output.slice();
  });
}

/** A model in the memory of a pool, and what runs it there. */
function placed(pool: ThreadPool, { program, weights, manifest }: Model, space: ModelSpace) {
  const place = space.claim(plannedBytes(manifest, { ...fileModules.int8, threads: pool }));
  const engine = new Engine(pool.module, program, { memory: space.grownTo(place), ...place }, pool.threads);
  engine.weights.set(weights);
  const loaded = pool.load(engine);
  return {
    engine,
    loaded,
    run: (mode: Mode, pixels: Uint8Array) =>
      loaded.run(
        mode,
        (arena) => {
          engine.useArena(arena);
          engine.input.set(pixels);
        },
        (arena) => {
          engine.useArena(arena);
          return engine.output.slice();
        },
      ),
  };
}

const bits = (scores: readonly Float32Array[]) => scores.map((one) => Array.from(new Uint32Array(one.buffer)));

describe.each([2, 3, 5])('%i threads', (threads) => {
  it('give the bits of one thread, together and each alone, for every model', async () => {
    expect(all.length).toBeGreaterThan(8);
    const pool = pooled(threads);
    const space = new ModelSpace(MOST_BYTES, pool.memory);
    let split = 0;
    for (const model of all) {
      const pictures = Array.from({ length: 2 * threads }, (_, index) => picture(model, index + 1));
      const expected = bits(inOneThread(model, pictures));
      expect(new Set(expected.map(String)).size, 'pictures differ').toBeGreaterThan(1);
      const { run, loaded, engine } = placed(pool, model, space);
      if (engine.threadPlan.ops.some(({ parts }) => parts && parts.length > 1)) split++;
      const at = model.manifest.id;
      const together: Float32Array[] = [];
      for (const pixels of pictures) together.push(await run('latency', pixels));
      expect(bits(together), at).toEqual(expected);
      const apart = await Promise.all(pictures.map((pixels) => run('throughput', pixels)));
      expect(bits(apart), at).toEqual(expected);
      const modes: Mode[] = ['throughput', 'latency', 'throughput'];
      const mixed = await Promise.all(pictures.map((pixels, index) => run(modes[index % 3] ?? 'latency', pixels)));
      expect(bits(mixed), at).toEqual(expected);
      loaded.unload();
    }
    expect(split).toBeGreaterThan(5);
  });

  it('have an arena each, and the weights once', () => {
    for (const { program, manifest } of all) {
      const more = memoryBytes(program, threads) - memoryBytes(program);
      const perThread =
        program.arenaBytes +
        64 +
        manifest.files.reduce((sum, { role, bytes }) => sum + (role === 'program' ? bytes : 0), 0);
      expect(more).toBeLessThan(threads * perThread + 65_536);
      expect(memoryBytes(program, threads)).toBeLessThanOrEqual(
        Math.ceil(plannedBytes(manifest, { ...fileModules.int8, threads: { threads } as ThreadPool }) / 65_536) *
          65_536,
      );
    }
  });
});

describe('a thread that dies', () => {
  it.each(['latency', 'throughput'] as const)('ends what it was at with an error and is replaced: %s', async (mode) => {
    const handles: ThreadHandle[] = [];
    const pool = pooled(2, (events) => {
      const handle = spawnInNode(events);
      handles.push(handle);
      return handle;
    });
    if (!small) throw new Error('fashion-resnet is missing');
    const { run } = placed(pool, small, new ModelSpace(MOST_BYTES, pool.memory));
    const pixels = picture(small, 1);
    const expected = bits(inOneThread(small, [pixels]));
    expect(bits([await run(mode, pixels)])).toEqual(expected);
    let died = 0;
    for (let time = 0; time < 3; time++) {
      const runs = Array.from({ length: 200 }, () => run(mode, pixels));
      await Promise.race(runs);
      handles.at(-1)?.end();
      const ended = await Promise.allSettled(runs);
      for (const end of ended) {
        if (end.status === 'fulfilled') expect(bits([end.value])).toEqual(expected);
        else died++;
      }
    }
    expect(died).toBeGreaterThan(0);
    expect(died).toBeLessThan(10);
    expect(handles).toHaveLength(5);
    expect(pool.works).toBe(true);
    expect(bits([await run(mode, pixels)])).toEqual(expected);
  });

  it('before it was ever ready is given up after a few', async () => {
    let started = 0;
    const pool = pooled(2, ({ onEnd }) => {
      started++;
      setTimeout(() => onEnd(new Error('no threads here')), 1);
      return { post() {}, end() {} };
    });
    if (!small) throw new Error('fashion-resnet is missing');
    const { run } = placed(pool, small, new ModelSpace(MOST_BYTES, pool.memory));
    await expect(run('latency', picture(small, 1))).rejects.toThrow('no threads here');
    expect(pool.works).toBe(false);
    expect(started).toBeLessThan(10);
    await expect(run('throughput', picture(small, 1))).rejects.toThrow('no threads here');
  });
});

it('threads that cannot be had are none', () => {
  expect(nodeThreads(1, MOST_BYTES)).toBeUndefined();
  const kept = globalThis.SharedArrayBuffer;
  try {
    Reflect.deleteProperty(globalThis, 'SharedArrayBuffer');
    expect(nodeThreads(2, MOST_BYTES)).toBeUndefined();
  } finally {
    globalThis.SharedArrayBuffer = kept;
  }
});
