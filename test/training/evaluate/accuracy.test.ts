import { describe, expect, it } from 'vitest';
import type { LabelledImages } from '../../../training/data/labelled-images.ts';
import { evaluate, perClass } from '../../../training/evaluate/accuracy.ts';

/** A classifier that gives the next rows of a table, whatever it sees. */
const scripted = (rows: readonly (readonly number[])[]) => {
  let at = 0;
  const batches: number[] = [];
  return {
    batches,
    bytes: 0,
    async classify(pixels: Uint8Array, batch: number) {
      expect(pixels).toHaveLength(batch);
      batches.push(batch);
      const scores = Float32Array.from(rows.slice(at, at + batch).flat());
      at += batch;
      return scores;
    },
    dispose() {},
  };
};

const images = (labels: readonly number[], classes: number): LabelledImages => ({
  images: new Uint8Array(labels.length),
  shape: [1, 1, 1],
  labels: Uint8Array.from(labels),
  classNames: Array.from({ length: classes }, (_, at) => `class ${at}`),
  count: labels.length,
});

describe('evaluate', () => {
  it('counts, with rows by true class', async () => {
    const rows = [
      [0.7, 0.2, 0.1],
      [0.1, 0.8, 0.1],
      [0.5, 0.25, 0.25],
      [0, 0.5, 0.5],
    ];
    const result = await evaluate(scripted(rows), images([0, 1, 1, 2], 3), 'softmax');
    expect(result).toMatchObject({ n: 4, top1: 0.5, top5: 1 });
    expect(result.confusion).toEqual([
      [1, 0, 0],
      [1, 1, 0],
      [0, 1, 0],
    ]);
    expect(result.loss).toBeCloseTo(-(Math.log(0.7) + Math.log(0.8) + Math.log(0.25) + Math.log(0.5)) / 4, 6);
  });

  it('takes the first of equal scores, and counts the five best', async () => {
    const flat = [1, 1, 1, 1, 1, 1];
    const result = await evaluate(scripted([flat, flat, flat]), images([0, 4, 5], 6), 'logits');
    expect(result).toMatchObject({ top1: 1 / 3, top5: 2 / 3 });
    expect(result.loss).toBeCloseTo(Math.log(6), 6);
  });

  it('gives logits the loss of their softmax, however large they are', async () => {
    const result = await evaluate(scripted([[1000, 999]]), images([1], 2), 'logits');
    expect(result.loss).toBeCloseTo(Math.log(1 + Math.E), 4);
  });

  it('asks for whole batches and the rest, and reports what is seen', async () => {
    const classifier = scripted(Array.from({ length: 230 }, () => [1, 0]));
    const seen: number[] = [];
    await evaluate(classifier, images(new Array(230).fill(0), 2), 'softmax', (count) => seen.push(count));
    expect(classifier.batches).toEqual([100, 100, 30]);
    expect(seen).toEqual([100, 200, 230]);
  });
});

describe('figures of a class', () => {
  it("are those of scikit-learn's classification_report", () => {
    // y_true = [0, 1, 2, 2, 2], y_pred = [0, 0, 2, 2, 1], the example of its documentation.
    const figures = perClass([
      [1, 0, 0],
      [1, 0, 0],
      [0, 1, 2],
    ]);
    const rounded = figures.map(({ precision, recall, f1, support }) => [
      precision.toFixed(2),
      recall.toFixed(2),
      f1.toFixed(2),
      support,
    ]);
    expect(rounded).toEqual([
      ['0.50', '1.00', '0.67', 1],
      ['0.00', '0.00', '0.00', 1],
      ['1.00', '0.67', '0.80', 3],
    ]);
  });

  it('are not numbers where there is nothing to divide by', () => {
    const [, none] = perClass([
      [2, 0],
      [0, 0],
    ]);
    expect(none).toEqual({ precision: Number.NaN, recall: Number.NaN, f1: Number.NaN, support: 0 });
  });
});
