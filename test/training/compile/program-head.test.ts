import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { manifestSchema } from '../../../functions/catalogue/manifest.ts';
import { fileModules } from '../../../functions/file-modules.ts';
import { loadInt8Classifier } from '../../../functions/runtime/int8/classifier.ts';
import { decodeProgram, encodeProgram } from '../../../functions/runtime/int8/encoding.ts';
import { type Compiled, lastDense, ProgramFeatures, replaceHead } from '../../../training/compile/program-head.ts';
import { randomNumbers } from '../../../training/train/random.ts';

const folder = path.join(import.meta.dirname, '../../../models/fashion-mlp');

async function committed(): Promise<Compiled> {
  const { files } = manifestSchema.parse(JSON.parse(await readFile(path.join(folder, 'manifest.json'), 'utf8')));
  const read = (role: string) =>
    Promise.all(files.filter((file) => file.role === role).map((file) => readFile(path.join(folder, file.path))));
  const weights = new Uint8Array(Buffer.concat(await read('weights')));
  return { program: decodeProgram(Buffer.concat(await read('program'))), weights };
}

async function logits({ program, weights }: Compiled, pixels: Uint8Array): Promise<Float32Array> {
  const classifier = await loadInt8Classifier({
    modules: fileModules.int8,
    program: encodeProgram(program),
    weightsBytes: weights.length,
    fill: async (target) => target().set(weights),
  });
  return classifier.classify(pixels, 1);
}

const random = randomNumbers(11);
const pixels = Uint8Array.from({ length: 784 }, () => random() * 256);

describe('a new last layer of a compiled network', () => {
  it.each([3, 10, 77])(
    'of %i classes gives the features times its weights, through the loader of the edge',
    async (classes) => {
      const before = await committed();
      const network = new ProgramFeatures(before);
      expect(network.size).toBe(128);
      const features = network.of(pixels).slice();
      expect(new Set(features).size).toBeGreaterThan(5);
      expect(Math.max(...features)).toBeLessThanOrEqual(127);
      const weights = Float32Array.from({ length: 128 * classes }, () => (random() - 0.5) / 10);
      const bias = Float32Array.from({ length: classes }, () => random());
      const after = replaceHead(before, weights, bias);
      const given = await logits(after, pixels);
      expect(given).toHaveLength(classes);
      for (const [n, logit] of given.entries()) {
        const exact = features.reduce((sum, q, k) => sum + q * (weights[k * classes + n] ?? 0), bias[n] ?? 0);
        // A weight is rounded by half a 127th of 0.05 at most.
        const bound = features.reduce((sum, q) => sum + q, 0) * (0.05 / 127 / 2);
        expect(Math.abs(logit - exact)).toBeLessThan(bound);
        expect(Math.abs(logit)).toBeGreaterThan(0);
      }
      expect([...new ProgramFeatures(after).of(pixels)]).toEqual([...features]);
    },
  );

  it('takes the place of the old one: a head of as many classes takes as much room, and another one fits again', async () => {
    const before = await committed();
    const head = () => [new Float32Array(1280).fill(0.01), new Float32Array(10)] as const;
    const once = replaceHead(before, ...head());
    const twice = replaceHead(once, ...head());
    expect(once.weights.length - before.weights.length).toBeLessThanOrEqual(192);
    expect(twice.weights.length).toBe(once.weights.length);
    expect(await logits(twice, pixels)).toEqual(await logits(once, pixels));
  });

  it('does not go on a network that ends in something else', async () => {
    const { program } = await committed();
    expect(() => lastDense({ ...program, ops: program.ops.slice(0, -1) })).toThrow(
      /only a dense layer can be replaced/,
    );
  });
});
