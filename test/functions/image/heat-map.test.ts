import { describe, expect, it } from 'vitest';
import { type Heat, heatMap, hottest } from '../../../functions/image/heat-map.ts';

const FRAME = { picture: { width: 400, height: 200 }, seen: { left: 100, top: 0, width: 200, height: 200 } };
/** Hottest at the right of the second row. */
const heat: Heat = { width: 2, height: 2, values: Float32Array.of(0, 0.25, 0.5, 1) };
const UNSEEN = 2;

const { width, height, indices, palette } = heatMap(heat, FRAME);
const at = (x: number, y: number) => indices[y * width + x] ?? Number.NaN;
/** Heat of a pixel, 0…1, or null where the model sees nothing. */
const heatOf = (x: number, y: number) =>
  at(x, y) < UNSEEN ? null : (at(x, y) - UNSEEN) / (palette.length - 1 - UNSEEN);

describe('a heat map', () => {
  it('has the proportions of the picture, and shows which part the model does not see', () => {
    expect(width / height).toBe(2);
    const wrong = Array.from(indices.keys()).filter((i) => {
      const x = i % width;
      return (heatOf(x, Math.floor(i / width)) !== null) !== (x >= width / 4 && x < (3 * width) / 4);
    });
    expect(wrong).toEqual([]);
    const unseen = new Set(Array.from({ length: height }, (_, y) => at(3, y)));
    expect([...unseen].sort(), 'hatched').toEqual([0, 1]);
  });

  it('is as hot in the middle of a cell as the cell, and bilinear between', () => {
    const middles = [(3 * width) / 8, (5 * width) / 8] as const;
    const rows = [height / 4, (3 * height) / 4] as const;
    const step = 1 / (palette.length - UNSEEN);
    // Pixels around the middle are half a pixel off.
    const near = 2 * step + 2 / (width / 4);
    expect(Math.abs((heatOf(middles[0], rows[0]) ?? 9) - 0)).toBeLessThan(near);
    expect(Math.abs((heatOf(middles[1], rows[0]) ?? 9) - 0.25)).toBeLessThan(near);
    expect(Math.abs((heatOf(middles[0], rows[1]) ?? 9) - 0.5)).toBeLessThan(near);
    expect(Math.abs((heatOf(middles[1], rows[1]) ?? 9) - 1)).toBeLessThan(near);
    expect(Math.abs((heatOf(width / 2, height / 2) ?? 9) - 1.75 / 4)).toBeLessThan(near);
    // Beyond the middles of the outer cells there is nothing to mix.
    expect(heatOf((3 * width) / 4 - 1, height - 1)).toBe(1);
    expect(heatOf(width / 4, 0)).toBe(0);
  });

  it('grows lighter with heat, and lets the picture through everywhere', () => {
    const lightness = palette.slice(UNSEEN).map(([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b);
    for (let i = 1; i < lightness.length; i++) expect(lightness[i]).toBeGreaterThanOrEqual(lightness[i - 1] ?? 0);
    for (const [, , , alpha] of palette) {
      expect(alpha).toBeGreaterThan(0);
      expect(alpha).toBeLessThan(255);
    }
  });

  it('says where it is hottest, in pixels of the picture', () => {
    expect(hottest(heat, FRAME)).toEqual({ x: 250, y: 150 });
    const beyond = { ...FRAME, seen: { left: 300, top: 100, width: 300, height: 300 } };
    expect(hottest(heat, beyond)).toEqual({ x: 399, y: 199 });
  });

  it.each([
    [1, 1000],
    [3000, 2],
    [1, 1],
  ])('is small and whole for a picture of %ix%i', (w, h) => {
    const map = heatMap(heat, { picture: { width: w, height: h }, seen: { left: 0, top: 0, width: w, height: h } });
    expect(map.indices.length).toBe(map.width * map.height);
    expect(Math.max(map.width, map.height)).toBe(192);
    expect(Math.min(...map.indices)).toBeGreaterThanOrEqual(UNSEEN);
  });
});
