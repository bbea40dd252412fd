import { describe, expect, it } from 'vitest';
import { holdOut } from '../../../training/data/hold-out.ts';
import { imageAt, type LabelledImages } from '../../../training/data/labelled-images.ts';

/** Image `n` holds n, its class is n % 2, but for the last 24 images, which are all of class 1. */
const numbered = (count: number): LabelledImages => ({
  images: Uint8Array.from({ length: count * 2 }, (_, byte) => (byte % 2 === 0 ? byte >> 1 : 7)),
  shape: [1, 2, 1],
  labels: Uint8Array.from({ length: count }, (_, n) => (n >= count - 24 ? 1 : n % 2)),
  classNames: ['even', 'odd'],
  count,
});

const numbers = (data: LabelledImages) => Array.from({ length: data.count }, (_, at) => imageAt(data, at)[0] ?? -1);

describe('holdOut', () => {
  it('takes a twelfth of each class, and every image is in one part with its label', () => {
    const data = numbered(120);
    const { train, validation } = holdOut(data);
    expect([...numbers(train), ...numbers(validation)].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 120 }, (_, n) => n),
    );
    const classes = (part: LabelledImages) => [0, 1].map((label) => part.labels.filter((own) => own === label).length);
    expect([classes(train), classes(validation)]).toEqual([
      [44, 66],
      [4, 6],
    ]);
    for (const part of [train, validation]) {
      for (const [at, n] of numbers(part).entries()) expect(part.labels[at]).toBe(data.labels[n]);
      expect(numbers(part)).toEqual(numbers(part).toSorted((a, b) => a - b));
    }
  });

  it('goes by content: in another order the same images are held out', () => {
    const data = numbered(96);
    const turned: LabelledImages = {
      ...data,
      images: Uint8Array.from(
        numbers(data)
          .reverse()
          .flatMap((n) => [n, 7]),
      ),
      labels: data.labels.toReversed(),
    };
    expect(numbers(holdOut(turned).validation).reverse()).toEqual(numbers(holdOut(data).validation));
  });
});
