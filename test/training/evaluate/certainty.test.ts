import { readdirSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifestSchema } from '../../../functions/catalogue/manifest.ts';
import { noveltyByPrototypes, noveltyOf } from '../../../functions/runtime/novelty.ts';
import { measureCertainty } from '../../../training/certainty.ts';
import { preparer } from '../../../training/data/prepare.ts';
import { conformalThresholds, measureSets } from '../../../training/evaluate/conformal.ts';
import { checkTies, outputPairs, tieMargin } from '../../../training/evaluate/near-tie.ts';
import type { Predictions } from '../../../training/evaluate/predictions.ts';
import { loadServedModel } from '../../../training/evaluate/served-model.ts';
import { auroc, fprAt95, prototypesOf, shareAbove, thresholdFor } from '../../../training/evaluate/unknown.ts';
import { shared } from '../../fixtures/shared.ts';

const models = path.join(import.meta.dirname, '../../../models');
const predictions = (rows: number[][], labels: number[] = rows.map(() => 0)): Predictions => {
  const classes = rows[0]?.length ?? 0;
  const classNames = Array.from({ length: classes }, (_, n) => `${n}`);
  const data = { images: new Uint8Array(), shape: [1, 1, 1] as const, labels: Uint8Array.from(labels), classNames };
  return { data: { ...data, count: rows.length }, classes, logits: Float64Array.from(rows.flat()) };
};

const pairsOf = (float: number[][], integer: number[][]) => outputPairs(predictions(float), predictions(integer));

describe('a near tie', () => {
  it('has the margin of the largest error that could exchange two classes', () => {
    // Differences of the first to the others: 1 and 3 in integers; 0.25 and 3.5, -1 and 2 in float.
    expect(tieMargin(pairsOf([[1, 0.75, -2.5]], [[2, 1, -1]]))).toBe(0.75);
    expect(tieMargin(pairsOf([[0, 1, -2]], [[2, 1, -1]]))).toBe(2);
  });

  it('is not widened by classes that are far behind', () => {
    expect(tieMargin(pairsOf([[1, 0.9, -10]], [[1, 0.8, -30]]))).toBeCloseTo(0.1, 9);
  });

  it('is counted, and so is an answer that differs without being one', () => {
    const integer = [
      [1, 0.9],
      [1, 0],
      [1, 0],
    ];
    const float = [
      [1, 1.1],
      [1, 0],
      [0, 1],
    ];
    expect(checkTies(pairsOf(float, integer), 0.2)).toEqual({ flagged: 1, differing: 2, missed: 1 });
  });

  it('is said of every answer of fashion-mlp that differs from float, on the committed images', async () => {
    const [integer, float] = [
      await loadServedModel(path.join(models, 'fashion-mlp')),
      await loadServedModel(path.join(models, 'fashion-mlp-float')),
    ];
    const { margin = Number.NaN } = integer.manifest.certainty?.nearTie ?? {};
    const folder = path.join(import.meta.dirname, '../../fixtures/fashion');
    const prepare = preparer(integer.manifest.input);
    const [ours, theirs]: [number[][], number[][]] = [[], []];
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.png'))) {
      const pixels = await prepare(readFileSync(path.join(folder, file)));
      ours.push([...(await integer.classifier.classify(pixels, 1))]);
      theirs.push(Array.from(await float.classifier.classify(pixels, 1), (p) => Math.log(Math.max(p, 1e-30))));
    }
    const { flagged, missed } = checkTies(pairsOf(theirs, ours), margin);
    expect(missed).toBe(0);
    expect(flagged).toBeGreaterThan(0);
    expect(flagged).toBeLessThan(ours.length / 4);
  });
});

describe('what is unknown', () => {
  it('is told by published formulas', () => {
    // scipy.special.logsumexp([1, 2, 3]) = 3.4076059644443806
    expect(noveltyOf([1, 2, 3], 'energy')).toBeCloseTo(-3.4076059644443806, 12);
    expect(noveltyOf([1, 2, 3], 'max-logit')).toBe(-3);
    expect(noveltyOf([1000, 0], 'energy')).toBe(-1000);
    expect(noveltyByPrototypes(Float32Array.of(3, 4), Int8Array.of(127, 0, 0, 127))).toBeCloseTo(0.2, 6);
    expect(noveltyByPrototypes(Float32Array.of(-3, 0), Int8Array.of(127, 0, 0, 127))).toBe(1);
    expect(noveltyByPrototypes(Float32Array.of(0, 0), Int8Array.of(127, 0))).toBe(1);
  });

  it('is measured as scikit-learn measures it', () => {
    // roc_auc_score([0, 0, 0, 0, 1, 1, 1], [0.1, 0.4, 0.35, 0.8, 0.4, 0.9, 0.05]) = 0.5416666666666666
    expect(auroc(Float64Array.of(0.1, 0.4, 0.35, 0.8), Float64Array.of(0.4, 0.9, 0.05))).toBeCloseTo(6.5 / 12, 12);
    const known = Float64Array.from({ length: 100 }, (_, n) => n);
    const threshold = thresholdFor(known, 0.05);
    expect([threshold, shareAbove(known, threshold)]).toEqual([94, 0.05]);
    expect(fprAt95(known, Float64Array.of(10, 94, 94.5, 200))).toBe(0.5);
  });

  it('has the mean directions of the classes as prototypes', async () => {
    const images = Uint8Array.of(1, 2, 3, 4);
    const data = {
      images,
      shape: [1, 1, 1] as const,
      labels: Uint8Array.of(0, 0, 1, 1),
      classNames: ['a', 'b'],
      count: 4,
    };
    const vectors = [[], [2, 0], [0, 5], [-3, 0], [-1, 0]];
    const embed = async ([pixel = 0]: Uint8Array) => ({
      values: Float32Array.from(vectors[pixel] ?? []),
      scores: new Float32Array(),
    });
    expect([...(await prototypesOf(embed, data))]).toEqual([127, 127, -127, 0]);
  });
});

describe('sets of labels', () => {
  it('have the threshold of rank ⌈(n + 1) · coverage⌉', () => {
    // Probabilities of the true class 0.05, 0.10 … 0.95 on 19 images.
    const rows = Array.from({ length: 19 }, (_, n) => [Math.log((n + 1) / 20), Math.log(1 - (n + 1) / 20)]);
    const thresholds = conformalThresholds(predictions(rows), 1);
    expect(thresholds[0]).toBeCloseTo(0.5, 9);
    expect(thresholds[45]).toBeCloseTo(0.05, 9);
    // Of 19 images nothing promises 96 %.
    expect(thresholds[46]).toBe(0);
    const figures = measureSets(predictions(rows), 1, 0.5);
    expect(figures.coverage).toBeCloseTo(10 / 19, 9);
    expect(figures.meanSize).toBeCloseTo(20 / 19, 9);
  });
});

const fashion = shared('data/fashion-mnist');
const photographs = shared('data/imagenet-sample');

describe.skipIf(!fashion || !photographs)('npm run certainty (needs Fashion-MNIST and photographs)', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'certainty-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('measures fashion-mlp, and records what the service says from then on', async () => {
    const model = path.join(folder, 'fashion-mlp');
    await cp(path.join(models, 'fashion-mlp'), model, { recursive: true });
    const before = manifestSchema.parse(JSON.parse(await readFile(path.join(model, 'manifest.json'), 'utf8')));
    const strange = [`imagenet=${photographs ?? ''}`];
    const float = path.join(models, 'fashion-mlp-float');
    const { nearTie, unknown, conformal } = await measureCertainty({
      ...{ model, data: fashion ?? '', float, strange, record: true },
    });
    expect(nearTie?.margin).toBeGreaterThan(0);
    expect(unknown?.method).toBe('prototype');
    expect(Math.abs((unknown?.measuredFalseRejects ?? 1) - 0.05)).toBeLessThan(0.015);
    for (const other of unknown?.others ?? []) expect(other.auroc, other.dataset).toBeGreaterThan(0.9);
    expect(Math.abs((conformal?.coverageAt95 ?? 0) - 0.95)).toBeLessThan(0.01);
    const { manifest, prototypes } = await loadServedModel(model);
    expect(manifest.certainty?.conformal).toEqual(conformal);
    expect([manifest.version, manifest.revision]).toEqual([before.version, before.revision]);
    expect(prototypes?.length).toBe(10 * 128);
    const card = await readFile(path.join(model, 'card.md'), 'utf8');
    expect(card).toMatch(/## Certainty.*Near tie:.*\| imagenet \| 200 \| 0\.9\d+ \|.*coverage of 95 %/s);
  });
});
