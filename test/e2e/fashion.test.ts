import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadServedModel } from '../../training/evaluate/served-model.ts';
import { png } from '../fixtures/png.ts';
import { shared } from '../fixtures/shared.ts';
import { type Service, startService } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.stop());

interface Sample {
  readonly image: Uint8Array<ArrayBuffer>;
  readonly label: number;
}

/** The first `count` official test images where the data set is, else the 200 committed ones. */
function samples(count: number): Sample[] {
  const folder = shared('data/fashion-mnist');
  if (!folder) return committed();
  const read = (name: string) => gunzipSync(readFileSync(path.join(folder, name)));
  const images = read('t10k-images-idx3-ubyte.gz').subarray(16);
  const labels = read('t10k-labels-idx1-ubyte.gz').subarray(8);
  return Array.from({ length: count }, (_, i) => ({
    image: png(28, 28, images.subarray(i * 784, (i + 1) * 784)),
    label: labels[i] ?? -1,
  }));
}

/** `<class>-<position in the test set>.png`. */
function committed(): Sample[] {
  const folder = path.join(import.meta.dirname, '../fixtures/fashion');
  return readdirSync(folder)
    .filter((file) => file.endsWith('.png'))
    .map((file) => ({
      image: new Uint8Array(readFileSync(path.join(folder, file))),
      label: Number(file.split('-')[0]),
    }));
}

interface Answer {
  readonly predictions: { index: number; score: number; label: string }[];
}

async function classify(model: string, image: Uint8Array<ArrayBuffer>): Promise<Answer> {
  const response = await fetch(`${service.base}/classify/${model}`, {
    method: 'POST',
    body: image,
    headers: { 'content-type': 'image/png' },
  });
  expect(response.status, await response.clone().text()).toBe(200);
  return (await response.json()) as Answer;
}

interface Listed {
  readonly id: string;
  readonly metrics: { top1: number };
}

async function json<T>(route: string): Promise<T> {
  return (await (await fetch(service.base + route)).json()) as T;
}

/** Share of right answers, 16 requests at a time. */
async function accuracy(model: string, set: readonly Sample[]): Promise<number> {
  let right = 0;
  const queue = [...set];
  const worker = async () => {
    for (let sample = queue.pop(); sample; sample = queue.pop()) {
      const { predictions } = await classify(model, sample.image);
      if (predictions[0]?.index === sample.label) right++;
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  return right / set.length;
}

/** Floors a little below what the cards say of all 10,000: on 1,000 images a standard error is 0.8 points. */
const FAMILY: Readonly<Record<string, number>> = {
  lenet5: 0.88,
  'lenet5-modern': 0.905,
  'fashion-cnn': 0.92,
  'fashion-alexnet': 0.895,
  'fashion-vgg': 0.905,
  'fashion-googlenet': 0.905,
  'fashion-resnet': 0.925,
  'fashion-senet': 0.91,
};

describe.each(Object.entries(FAMILY))('%s over HTTP', (model, floor) => {
  it(`is right on at least ${(100 * floor).toFixed(1)} % of the first 1,000 test images`, async () => {
    const share = await accuracy(model, samples(1000));
    console.log(`${model} over HTTP: ${(100 * share).toFixed(2)} %`);
    expect(share).toBeGreaterThanOrEqual(floor);
  });
});

describe('fashion-mlp over HTTP', () => {
  it('answers a burst on a cold start alike and right', async () => {
    const [boot] = samples(1);
    if (!boot) throw new Error('no sample');
    const answers = await Promise.all(Array.from({ length: 32 }, () => classify('fashion-mlp', boot.image)));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]?.predictions[0]?.index).toBe(boot.label);
  });

  it('is right on at least 85 % of the first 500 test images', async () => {
    const share = await accuracy('fashion-mlp', samples(500));
    console.log(`fashion-mlp over HTTP: ${(100 * share).toFixed(2)} %`);
    expect(share).toBeGreaterThanOrEqual(0.85);
  });

  it('names over HTTP the class that evaluate counts, picture by picture', async () => {
    const { classifier } = await loadServedModel(path.join(import.meta.dirname, '../../models/fashion-mlp'));
    const other: number[] = [];
    for (const [i, { image }] of samples(1000).entries()) {
      const pixels = await sharp(image).toColourspace('b-w').raw().toBuffer();
      const output = await classifier.classify(new Uint8Array(pixels), 1);
      const { predictions } = await classify('fashion-mlp', image);
      if (predictions[0]?.index !== output.indexOf(Math.max(...output))) other.push(i);
    }
    expect(other).toEqual([]);
  });

  it('answers in integers what the float network answers', async () => {
    const set = samples(500);
    let same = 0;
    let drift = 0;
    for (const { image } of set) {
      const [integer, float] = await Promise.all([
        classify('fashion-mlp', image),
        classify('fashion-mlp-float', image),
      ]);
      const [first] = integer.predictions;
      const counterpart = float.predictions.find(({ index }) => index === first?.index);
      if (float.predictions[0]?.index === first?.index) same++;
      drift += Math.abs((first?.score ?? 0) - (counterpart?.score ?? 0));
    }
    console.log(
      `integer equals float on ${same} of ${set.length}, mean score difference ${(drift / set.length).toFixed(4)}`,
    );
    expect(same / set.length).toBeGreaterThanOrEqual(0.98);
    expect(drift / set.length).toBeLessThan(0.02);
  });

  it('says in GET /models what it serves', async () => {
    const { models } = await json<{ models: Listed[] }>('/models');
    const model = models.find((candidate) => candidate.id === 'fashion-mlp');
    expect(model).toMatchObject({
      parameters: 101_770,
      task: 'image-classification',
      input: { width: 28, height: 28 },
    });
    expect(model?.metrics.top1).toBeGreaterThan(0.87);
    const detail = await json<{ labels: { label: string }[] }>('/models/fashion-mlp');
    expect(detail.labels[9]?.label).toBe('Ankle boot');
  });
});
