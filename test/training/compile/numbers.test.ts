import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../training/compile/histogram.ts';
import {
  float16Bits,
  fromFloat16Bits,
  quantizeInt4,
  quantizeInt8,
} from '../../../training/compile/quantize-weights.ts';
import { chooseRange, quantizationOf } from '../../../training/compile/ranges.ts';
import { random } from './small-networks.ts';

describe('float16', () => {
  // IEEE 754 binary16, the table of its Wikipedia page.
  it.each([
    [0, 0x0000],
    [5.9604644775390625e-8, 0x0001],
    [1023 * 2 ** -24, 0x03ff],
    [0.00006103515625, 0x0400],
    [0.333251953125, 0x3555],
    [0.99951171875, 0x3bff],
    [1, 0x3c00],
    [1.0009765625, 0x3c01],
    [65504, 0x7bff],
  ])('%d is %s', (value, bits) => {
    expect(float16Bits(value)).toBe(bits);
    expect(fromFloat16Bits(bits)).toBe(value);
  });

  it('rounds to the nearest, ties to even', () => {
    expect(float16Bits(1 / 3)).toBe(0x3555);
    expect(float16Bits(1 + 2 ** -11)).toBe(0x3c00);
    expect(float16Bits(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(float16Bits(2 - 2 ** -12)).toBe(0x4000);
    expect(float16Bits(2 ** -26)).toBe(0);
  });
});

describe('weights', () => {
  const next = random(3);
  const weights = Float32Array.from({ length: 70 * 6 }, (_, index) => next() * 10 ** -(index % 6));
  weights.fill(0, 0, 6);

  it('in 8 bits lie within half a step, a step for each output', () => {
    const { weights: integers, scales } = quantizeInt8(weights, 6);
    for (const [index, weight] of weights.entries()) {
      const scale = scales[index % 6] ?? 0;
      expect(Math.abs(weight - (integers[index] ?? 0) * scale)).toBeLessThanOrEqual(scale * 0.5001);
    }
    for (let c = 0; c < 6; c++) expect(Math.max(...integers.filter((_, i) => i % 6 === c).map(Math.abs))).toBe(127);
  });

  it('in 4 bits stay within −7…7, and lose no more than rounding to nearest does', () => {
    const { weights: integers, scales, groupScales } = quantizeInt4(weights, 6, 32);
    expect(groupScales).toHaveLength(3 * 6);
    expect(Math.max(...integers.map(Math.abs))).toBe(7);
    for (let c = 0; c < 6; c++) {
      for (let group = 0; group < 3; group++) {
        const ks = Array.from({ length: Math.min(32, 70 - group * 32) }, (_, k) => group * 32 + k);
        const step = (groupScales[group * 6 + c] ?? 0) * (scales[c] ?? 0);
        const plain = Math.max(...ks.map((k) => Math.abs(weights[k * 6 + c] ?? 0))) / 7;
        const errors = (round: (w: number, index: number) => number) =>
          ks.reduce((sum, k) => sum + ((weights[k * 6 + c] ?? 0) - round(weights[k * 6 + c] ?? 0, k * 6 + c)) ** 2, 0);
        const nearest = errors((w) => Math.round(w / plain) * plain);
        expect(errors((_, index) => (integers[index] ?? 0) * step)).toBeLessThanOrEqual(nearest * 1.02);
      }
    }
  });
});

describe('ranges', () => {
  const histogramOf = (...parts: readonly Float32Array[]) => {
    const histogram = new Histogram();
    for (const part of parts) histogram.add(part);
    return histogram;
  };
  const next = random(9);
  const spread = Float32Array.from({ length: 20_000 }, () => next() + next() + next());

  it('hold zero exactly, and both ends', () => {
    for (const [low, high] of [
      [-1, 3],
      [0, 5],
      [2, 5],
      [-4, -1],
    ] as const) {
      const { scale, zero } = quantizationOf(low, high);
      expect(Number.isInteger(zero)).toBe(true);
      expect(-zero * scale).toBeLessThanOrEqual(Math.min(low, 0) + scale * 0.51);
      expect((127 - zero) * scale).toBeGreaterThanOrEqual(Math.max(high, 0) - scale * 0.51);
    }
    expect(quantizationOf(0, 0)).toEqual({ scale: 1, zero: 0, levels: 127 });
  });

  it('of least squared error are no worse than a search over the values themselves', () => {
    const outliers = Float32Array.from(spread, (value, index) => (index % 1000 === 0 ? value * 6 : Math.max(value, 0)));
    const error = ({ scale, zero }: { scale: number; zero: number }) =>
      outliers.reduce((sum, value) => {
        const q = Math.min(Math.max(Math.round(value / scale) + zero, 0), 127);
        return sum + (value - (q - zero) * scale) ** 2;
      }, 0);
    const [low, high] = [Math.min(...outliers), Math.max(...outliers)];
    let best = Number.POSITIVE_INFINITY;
    for (let a = 1; a <= 30; a++) {
      for (let b = 1; b <= 30; b++) best = Math.min(best, error(quantizationOf((low * a) / 30, (high * b) / 30)));
    }
    expect(error(chooseRange(histogramOf(outliers), 'mse'))).toBeLessThan(best * 1.05);
  });

  it('of percentiles leave out a 1/10,000', () => {
    const values = Float32Array.from({ length: 100_000 }, (_, index) => index / 100_000);
    values[5] = 1000;
    const { scale, zero } = chooseRange(histogramOf(values), 'percentile');
    expect(zero).toBe(0);
    expect(scale * 127).toBeGreaterThan(0.99);
    expect(scale * 127).toBeLessThan(1.6);
  });

  it('do not depend on the order in which values come', () => {
    const parts = [spread.subarray(0, 100).map((v) => v / 100), spread, spread.map((v) => v * 3)] as const;
    const [up, down] = [histogramOf(...parts), histogramOf(...parts.toReversed())];
    expect([up.min, up.max]).toEqual([down.min, down.max]);
    const share = chooseRange(up, 'mse').scale / chooseRange(down, 'mse').scale;
    expect(share).toBeGreaterThan(0.95);
    expect(share).toBeLessThan(1.05);
  });

  it('refuse what is no number', () => {
    expect(() => histogramOf(Float32Array.of(1, Number.NaN))).toThrow(/not a finite number/);
    expect(() => histogramOf(Float32Array.of(1, Number.POSITIVE_INFINITY))).toThrow(/not a finite number/);
  });
});
