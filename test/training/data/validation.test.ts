import { describe, expect, it } from 'vitest';
import { imageAt, type LabelledImages } from '../../../training/data/labelled-images.ts';
import { withoutValidation } from '../../../training/data/validation.ts';

/** Image `n` holds n, its class is n % 2, but for the last 24, which are all of class 1. */
const numbered = (count: number): LabelledImages => ({
  images: Uint8Array.from({ length: count * 2 }, (_, byte) => (byte % 2 === 0 ? byte >> 1 : 7)),
  shape: [1, 2, 1],
  labels: Uint8Array.from({ length: count }, (_, n) => (n >= count - 24 ? 1 : n % 2)),
  classNames: ['even', 'odd'],
  count,
});

const numbers = (data: LabelledImages) => Array.from({ length: data.count }, (_, at) => imageAt(data, at)[0] ?? -1);

describe('withoutValidation', () => {
  it('takes a twelfth away, and every image is in one part with its label', () => {
    const data = numbered(120);
    const { training, validation } = withoutValidation(data);
    expect([training.count, validation.count]).toEqual([110, 10]);
    const all = [...numbers(training), ...numbers(validation)];
    expect(all.sort((a, b) => a - b)).toEqual(Array.from({ length: 120 }, (_, n) => n));
    for (const part of [training, validation]) {
      expect(part.images).toHaveLength(2 * part.count);
      for (const [at, n] of numbers(part).entries()) expect(part.labels[at]).toBe(data.labels[n]);
    }
  });

  it('takes the same ones whenever it is asked', () => {
    expect(withoutValidation(numbered(60))).toEqual(withoutValidation(numbered(60)));
  });
});
