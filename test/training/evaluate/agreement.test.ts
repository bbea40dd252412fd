import { expect, it } from 'vitest';
import { Agreement } from '../../../training/evaluate/agreement.ts';

it('counts apart the images on which float is sure', () => {
  const agreement = new Agreement((output) => output);
  const add = (float: number[], integer: number[]) =>
    agreement.add(Float32Array.from(float), Float32Array.from(integer));
  add([0.9, 0.05, 0.05], [0.8, 0.1, 0.1]);
  add([0.9, 0.05, 0.05], [0.1, 0.8, 0.1]);
  add([0.38, 0.34, 0.28], [0.34, 0.38, 0.28]);
  const { images, same, top1, sure } = agreement.figures;
  expect({ images, same, sure }).toEqual({ images: 3, same: 1, sure: { images: 2, same: 1 } });
  expect(top1).toBeCloseTo(1 / 3);
});
