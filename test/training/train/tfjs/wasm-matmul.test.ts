import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { randomNumbers } from '../../../../training/train/random.ts';
import { startBackend } from '../../../../training/train/tfjs/backend.ts';

beforeAll(async () => {
  expect(await startBackend('wasm')).toBe('WASM SIMD');
});

describe("WASM's matrix product", () => {
  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])(
    'is right with transposeA %s and transposeB %s, for matrices and for stacks of them',
    async (transposeA, transposeB) => {
      const random = randomNumbers(3);
      const [rows, inner, columns] = [5, 7, 4];
      for (const batch of [[], [3]]) {
        const numbers = (shape: number[]) =>
          tf.tensor(Float32Array.from({ length: tf.util.sizeFromShape(shape) }, random), shape);
        const a = numbers([...batch, ...(transposeA ? [inner, rows] : [rows, inner])]);
        const b = numbers([...batch, ...(transposeB ? [columns, inner] : [inner, columns])]);
        const tensors = tf.memory().numTensors;
        const product = tf.matMul(a, b, transposeA, transposeB);
        expect(tf.memory().numTensors).toBe(tensors + 1);
        const [av, bv] = [a.dataSync(), b.dataSync()];
        const expected: number[] = [];
        for (let stack = 0; stack < (batch[0] ?? 1); stack++) {
          for (let row = 0; row < rows; row++) {
            for (let column = 0; column < columns; column++) {
              let sum = 0;
              for (let k = 0; k < inner; k++) {
                const left = transposeA ? k * rows + row : row * inner + k;
                const right = transposeB ? column * inner + k : k * columns + column;
                sum += (av[stack * rows * inner + left] ?? 0) * (bv[stack * inner * columns + right] ?? 0);
              }
              expected.push(sum);
            }
          }
        }
        expect(product.shape).toEqual([...batch, rows, columns]);
        for (const [at, value] of product.dataSync().entries())
          expect(value).toBeCloseTo(expected[at] ?? Number.NaN, 4);
      }
    },
  );
});
