import { describe, expect, it } from 'vitest';
import type { LabelledImages } from '../../../training/data/labelled-images.ts';
import { augment } from '../../../training/train/augment.ts';
import { Batches } from '../../../training/train/batches.ts';
import { randomNumbers } from '../../../training/train/random.ts';
import { recipe } from './striped-images.ts';

const nothing = { flip: false, shift: 0, erase: 0, zoom: 0, light: 0 };
const still = { ...recipe, augmentation: nothing, labelSmoothing: 0 };
/** Image n is all n. */
const numbered = (count: number): LabelledImages => ({
  images: Uint8Array.from({ length: count * 4 }, (_, at) => at >> 2),
  shape: [2, 2, 1],
  labels: Uint8Array.from({ length: count }, (_, at) => at % 3),
  classNames: ['a', 'b', 'c'],
  count,
});

describe('batches', () => {
  it('show each image once an epoch but for those that fill no batch, each with its class', () => {
    const batches = new Batches(numbered(100), still, 1);
    expect([batches.size, batches.perEpoch]).toEqual([32, 3]);
    const shown = [0, 1, 2].flatMap((step) => {
      const { count, pixels, targets } = batches.at(step);
      return Array.from({ length: count }, (_, row) => {
        const number = Math.round((pixels[row * 4] ?? 0) * 255);
        expect([...targets.subarray(row * 3, row * 3 + 3)]).toEqual([0, 1, 2].map((c) => (c === number % 3 ? 1 : 0)));
        return number;
      });
    });
    expect(new Set(shown).size).toBe(96);
    expect(shown).not.toEqual(shown.toSorted((a, b) => a - b));
  });

  it('follow from seed and step alone: out of order they are the same', () => {
    const forward = new Batches(numbered(100), recipe, 4);
    const all = Array.from({ length: 9 }, (_, step) => forward.at(step));
    const backward = new Batches(numbered(100), recipe, 4);
    for (let step = 8; step >= 0; step--) expect(backward.at(step)).toEqual(all[step]);
    expect(all[0]).not.toEqual(all[3]);
    expect(new Batches(numbered(100), recipe, 5).at(0)).not.toEqual(all[0]);
  });

  it('spread a share of each target', () => {
    const { targets } = new Batches(numbered(10), { ...still, labelSmoothing: 0.3 }, 1).at(0);
    const row = [...targets.subarray(0, 3)].sort().map((value) => Number(value.toFixed(4)));
    expect(row).toEqual([0.1, 0.1, 0.8]);
  });
});

describe('augmentation', () => {
  const [height, width] = [28, 28];
  const image = Uint8Array.from({ length: height * width * 3 }, (_, at) => 1 + (at % 251));
  const once = (what: Partial<typeof nothing>, seed: number) => {
    const to = new Uint8Array(image.length).fill(255);
    augment(image, [height, width, 3], { ...nothing, ...what }, randomNumbers(seed), to);
    return to;
  };
  const pixel = (from: Uint8Array, y: number, x: number) => [
    ...from.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
  ];

  it('does nothing where nothing is asked for', () => {
    expect(once({}, 1)).toEqual(image);
  });

  it('mirrors half of the images, channels kept', () => {
    const shown = Array.from({ length: 400 }, (_, seed) => once({ flip: true }, seed * 7919));
    const mirrored = shown.filter((to) => pixel(to, 3, 0).join() === pixel(image, 3, 27).join());
    expect(mirrored.length).toBeGreaterThan(160);
    expect(mirrored.length).toBeLessThan(240);
    for (const to of mirrored.slice(0, 3))
      for (let x = 0; x < width; x++) expect(pixel(to, 9, x)).toEqual(pixel(image, 9, 27 - x));
  });

  it('moves by up to two pixels each way, zeros coming in', () => {
    const moves = new Set<string>();
    for (let seed = 0; seed < 400; seed++) {
      const to = once({ shift: 2 }, seed * 7919);
      const found = [-2, -1, 0, 1, 2].flatMap((down) =>
        [-2, -1, 0, 1, 2]
          .filter((right) => pixel(to, 10, 10).join() === pixel(image, 10 - down, 10 - right).join())
          .map((right) => [down, right] as const),
      );
      expect(found).toHaveLength(1);
      const [down, right] = found[0] ?? [0, 0];
      moves.add(`${down},${right}`);
      if (down > 0) expect(pixel(to, 0, 14)).toEqual([0, 0, 0]);
      if (right < 0) expect(pixel(to, 14, 27)).toEqual([0, 0, 0]);
    }
    expect(moves.size).toBe(25);
  });

  it('zooms height and width each by its own factor, the middle staying', () => {
    const ramp = Uint8Array.from(
      { length: height * width },
      (_, at) => 100 + 3 * ((at % width) - Math.floor(at / width)),
    );
    const ratios = Array.from({ length: 200 }, (_, seed) => {
      const to = new Uint8Array(ramp.length);
      augment(ramp, [height, width, 1], { ...nothing, zoom: 0.5 }, randomNumbers(seed * 7919), to);
      const at = (y: number, x: number) => to[y * width + x] ?? 0;
      expect(Math.abs((at(13, 13) + at(14, 14) - 200) / 2)).toBeLessThanOrEqual(1);
      return [(at(14, 18) - at(14, 10)) / 24, (at(10, 14) - at(18, 14)) / 24] as const;
    });
    for (const along of [0, 1] as const) {
      const steep = ratios.map((pair) => pair[along]);
      expect(Math.max(...steep)).toBeGreaterThan(1.35);
      expect(Math.max(...steep)).toBeLessThan(1.6);
      expect(Math.min(...steep)).toBeLessThan(0.75);
      expect(Math.min(...steep)).toBeGreaterThan(0.6);
    }
    expect(ratios.some(([across, down]) => across > 1.2 && down < 0.85)).toBe(true);
  });

  it('changes contrast and the brightness of each channel within its bounds', () => {
    const grey = new Uint8Array(height * width * 3).fill(127);
    const lit = Array.from({ length: 200 }, (_, seed) => {
      const to = new Uint8Array(grey.length);
      augment(grey, [height, width, 3], { ...nothing, light: 0.3 }, randomNumbers(seed * 7919), to);
      expect(pixel(to, 20, 20)).toEqual(pixel(to, 0, 0));
      return pixel(to, 0, 0);
    });
    for (const channel of [0, 1, 2]) {
      const values = lit.map((at) => at[channel] ?? 0);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(127 - 39);
      expect(Math.max(...values)).toBeLessThanOrEqual(128 + 39);
      expect(Math.max(...values) - Math.min(...values)).toBeGreaterThan(60);
    }
    expect(lit.some(([red, , blue]) => Math.abs((red ?? 0) - (blue ?? 0)) > 20)).toBe(true);
  });

  it('erases one rectangle of at most a quarter, rounded, of the image', () => {
    let erased = 0;
    for (let seed = 0; seed < 100; seed++) {
      const to = once({ erase: 1 }, seed * 7919);
      const changed = Array.from({ length: height * width }, (_, at) => at).filter(
        (at) =>
          pixel(to, Math.floor(at / width), at % width).join() !==
          pixel(image, Math.floor(at / width), at % width).join(),
      );
      const [rows, columns] = [changed.map((at) => Math.floor(at / width)), changed.map((at) => at % width)];
      const box = (Math.max(...rows) - Math.min(...rows) + 1) * (Math.max(...columns) - Math.min(...columns) + 1);
      expect(changed.length).toBeGreaterThan(5);
      expect(box).toBeLessThanOrEqual(0.3 * height * width);
      expect(changed.length).toBeGreaterThan(0.9 * box);
      erased += changed.length;
    }
    expect(erased / 100 / (height * width)).toBeCloseTo(0.135, 1);
  });
});
