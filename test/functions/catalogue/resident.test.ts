import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Residents } from '../../../functions/catalogue/resident.ts';
import { MemoryBudget } from '../../../functions/memory-budget.ts';
import { baseline, fused, relaxed, tfjs } from '../../../functions/wasm.ts';
import { integerModel, LOGITS, PIXELS } from './integer-model.ts';
import { memoryModel } from './model-folder.ts';

const { Memory } = WebAssembly;
/** All that were ever made, but those of one page, which find out what the processor can. */
let made: WebAssembly.Memory[] = [];
beforeEach(() => {
  made = [];
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      if (descriptor.initial > 1) made.push(this);
    }
  };
});
afterEach(() => {
  WebAssembly.Memory = Memory;
});

const megabytes = () => Math.round(made.reduce((sum, { buffer }) => sum + buffer.byteLength, 0) / 1e6);

/** Models `name: megabytes` in an isolate of `total` MB, of which `pictures` are left for pictures. */
async function isolate(total: number, pictures: number, sizes: Readonly<Record<string, number>>) {
  const models = new Map(
    await Promise.all(Object.entries(sizes).map(async ([id, size]) => [id, await integerModel(id, size)] as const)),
  );
  const tiny = await memoryModel('tiny');
  const broken = new Set<string>();
  const assets = {
    async open(path: string) {
      const [id = '', file = ''] = path.split('/');
      const bytes = id === 'tiny' ? tiny.get(file) : models.get(id)?.files.get(file);
      if (!bytes || broken.has(path)) return null;
      return new Blob([bytes]).stream() as ReadableStream<Uint8Array>;
    },
  };
  const budget = new MemoryBudget(total * 1e6);
  const residents = new Residents(assets, { tfjs, int8: { baseline, relaxed, fused } }, budget, pictures * 1e6);
  const use = (id: string, hold = Promise.resolve()) => {
    const manifest = models.get(id)?.manifest ?? JSON.parse(new TextDecoder().decode(tiny.get('manifest.json')));
    return residents.with(manifest, async (classifier) => {
      await hold;
      return Array.from(await classifier.classify(PIXELS, 1));
    });
  };
  return { budget, use, broken };
}

const outcome = (promise: Promise<unknown>) =>
  promise.catch((error: { code?: string; what?: string }) => ({ code: error.code, what: error.what }));

describe('Residents', () => {
  it('gives the place of a model that leaves to the next one, which is not disturbed by what is in it', async () => {
    const { use, budget } = await isolate(26.8, 2, { a: 6, b: 5, c: 6 });
    for (const id of ['a', 'b', 'c', 'a', 'b']) expect(await use(id)).toEqual(LOGITS);
    expect(made.length).toBe(1);
    expect(megabytes()).toBe(6);
    expect(budget.freeBytes / 1e6).toBeCloseTo(20.8, 0);
  });

  it('has several side by side, each with its own weights, while the memory grows under them', async () => {
    const { use } = await isolate(30, 0, { a: 3, b: 4, c: 6 });
    const both = Promise.all(['a', 'b', 'c'].map((id) => use(id)));
    expect(await both).toEqual([LOGITS, LOGITS, LOGITS]);
    for (const id of ['c', 'a', 'b']) expect(await use(id)).toEqual(LOGITS);
    expect(made.length).toBe(1);
    expect(megabytes()).toBe(13);
  });

  it('makes room for one that is larger than any hole', async () => {
    const { use } = await isolate(10.5, 0, { a: 3, b: 3, c: 3, large: 7, all: 8 });
    for (const id of ['a', 'b', 'c', 'large', 'b', 'a', 'all', 'c']) expect(await use(id)).toEqual(LOGITS);
    expect(megabytes()).toBeLessThanOrEqual(10);
  });

  it('never has more memory than models may hold, whatever the order, and answers all that fits', async () => {
    const sizes = { a: 1, b: 2, c: 3, d: 4, e: 5, f: 2 };
    const { use } = await isolate(38.8, 8, sizes);
    const ids = Object.keys(sizes);
    for (let round = 0; round < 20; round++) {
      const asked = [0, 1, 2].map((k) => ids[(round * 5 + k * (1 + (round % 4))) % ids.length] ?? 'a');
      for (const answer of await Promise.all(asked.map((id) => outcome(use(id))))) expect(answer).toEqual(LOGITS);
      expect(megabytes()).toBeLessThanOrEqual(14);
    }
  });

  it('waits for a model that is in use, and takes its memory then', async () => {
    const { use } = await isolate(10, 0, { a: 7, b: 7 });
    let end = () => {};
    const first = use('a', new Promise((resolve) => (end = resolve)));
    const second = use('b');
    setTimeout(() => end(), 300);
    expect(await Promise.all([first, second])).toEqual([LOGITS, LOGITS]);
    expect(made.length).toBe(1);
  });

  it('says busy where what is in use does not end', async () => {
    const { use } = await isolate(10, 0, { a: 7, b: 7 });
    let end = () => {};
    const first = use('a', new Promise((resolve) => (end = resolve)));
    expect(await outcome(use('b'))).toMatchObject({ code: 'busy' });
    end();
    await first;
    expect(await use('b')).toEqual(LOGITS);
    expect(megabytes()).toBe(7);
  });

  it('gives the place of a model that could not be loaded to the next', async () => {
    const { use, broken } = await isolate(10, 0, { a: 6, b: 6 });
    broken.add('a/weights.bin');
    expect(await outcome(use('a'))).toMatchObject({ code: 'model-broken' });
    expect(await use('b')).toEqual(LOGITS);
    broken.clear();
    expect(await use('a')).toEqual(LOGITS);
    expect(made.length).toBe(1);
  });

  it('leaves pictures their part, and TF.js its own', async () => {
    const { use, budget } = await isolate(37.8, 8, { a: 6, b: 6, c: 6 });
    for (const id of ['a', 'b', 'c']) expect(await use(id)).toEqual(LOGITS);
    // And TF.js its own.
    expect(await use('tiny')).toHaveLength(2);
    (await budget.reserve(8_000_000, { timeoutMs: 0 }))();
    expect(megabytes()).toBe(12);
  });

  it('reserves the memory that models of TF.js share once', async () => {
    const { use, budget } = await isolate(30, 7, { a: 4, b: 4 });
    expect(await outcome(use('tiny'))).toHaveLength(2);
    expect(budget.freeBytes).toBe(30_000_000 - 16_777_216);
    for (const id of ['a', 'b', 'a']) expect(await use(id)).toEqual(LOGITS);
    expect(made.length).toBe(1);
  });
});
