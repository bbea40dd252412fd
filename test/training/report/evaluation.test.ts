import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabelledImages } from '../../../training/data/labelled-images.ts';
import { summarize } from '../../../training/evaluate/accuracy.ts';
import { reliability } from '../../../training/evaluate/calibration.ts';
import { mistakesOf } from '../../../training/evaluate/mistakes.ts';
import type { Predictions } from '../../../training/evaluate/predictions.ts';
import { readEpochs } from '../../../training/report/curves.ts';
import { writeEvaluation } from '../../../training/report/evaluation.ts';
import type { EvaluationReport } from '../../../training/report/evaluation-report.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'report-'));
});
afterAll(() => rm(root, { recursive: true }));

const SHOES = ['Sandal', 'Sneaker', 'Ankle boot', 'Bag'];

/** Images of 4x4 in one colour, their number in the first pixel; of every class the last is taken for the next class. */
function measured(names: readonly string[], each: number, channels: 1 | 3) {
  const count = names.length * each;
  const labels = Uint8Array.from({ length: count }, (_, at) => Math.floor(at / each));
  const data: LabelledImages = {
    images: new Uint8Array(count * 16 * channels).map((_, byte) =>
      byte % (16 * channels) === 0 ? byte / 16 / channels : 128,
    ),
    shape: [4, 4, channels],
    labels,
    classNames: names,
    count,
  };
  const wrong = (at: number) => at % each === each - 1;
  const logits = Float64Array.from({ length: count * names.length }, (_, place) => {
    const [at, n] = [Math.floor(place / names.length), place % names.length];
    const said = ((labels[at] ?? 0) + (wrong(at) ? 1 : 0)) % names.length;
    return n === said ? 3 + at / count : 0;
  });
  return { data, classes: names.length, logits } satisfies Predictions;
}

function reportOf(predictions: Predictions, more: Partial<EvaluationReport> = {}): EvaluationReport {
  const temperature = 1.5;
  return {
    model: {
      id: 'shoes',
      title: 'Shoes & <bags>',
      version: 'ab'.repeat(32),
      revision: 3,
      runtime: 'int8',
      parameters: 1234,
      memory: { weights: 1, arena: 1, total: 65_536 },
    },
    dataset: 'shoes test',
    names: predictions.data.classNames,
    result: summarize(predictions),
    float: undefined,
    calibration: {
      images: 10,
      accuracy: 0.75,
      temperature,
      before: reliability(predictions, 1),
      after: reliability(predictions, temperature),
      loss: 1,
    },
    mistakes: mistakesOf(predictions, temperature),
    epochs: [],
    skipped: [],
    ...more,
  };
}

async function write(name: string, report: EvaluationReport, { data }: Predictions, channels: 'grey' | 'bgr') {
  const dir = path.join(root, name);
  const page = await writeEvaluation(dir, report, { training: data, test: data, channels });
  return { dir, html: await readFile(page, 'utf8') };
}

const tilesIn = (html: string) => [...html.matchAll(/<figure class="tile" title="([^"]*)"><img src="([^"]*)"/g)];

describe('the report of an evaluation', () => {
  it('stands alone: nothing is fetched, no script, names cannot break out', async () => {
    const predictions = measured(SHOES, 4, 1);
    const { html } = await write('alone', reportOf(predictions), predictions, 'grey');
    expect(html).not.toMatch(/<script|<link|https?:|@import|url\(/i);
    for (const [, address] of html.matchAll(/(?:src|href)="([^"]*)"/g))
      expect(address).toMatch(/^data:image\/png;base64,/);
    expect(html).toContain('<h1>Shoes &#38; &#60;bags&#62;</h1>');
    expect(html).toContain('prefers-color-scheme: dark');
  });

  it('shows every shoe that is wrong and what it was taken for, the worst first, and the table of the notes', async () => {
    const predictions = measured(SHOES, 4, 1);
    const { html } = await write('shoes', reportOf(predictions), predictions, 'grey');
    const [, shoes = ''] = html.split('<h2>Every shoe it gets wrong</h2>');
    expect(tilesIn(shoes).map(([, tip]) => tip)).toEqual([
      'test image 3: Sandal, taken for Sneaker',
      'test image 7: Sneaker, taken for Ankle boot',
      'test image 11: Ankle boot, taken for Bag',
    ]);
    const [, most = ''] = html.split('<h2>Most wrong</h2>');
    // The later the image the surer its logit, so the last mistake is the worst.
    expect(tilesIn(most)[0]?.[1]).toBe('test image 15: Bag, taken for Sandal');
    expect(html).toMatch(/<td>Sandal<\/td><td>1 of 4<\/td><td class="words">Sneaker<\/td><td>1<\/td>/);
    expect(html).toContain('75.00 %');
    // SciPy's binomtest(12, 16).proportion_ci(method='wilson')
    expect(html).toContain('between 50.50 % and 89.82 %');
  });

  it('shows the pixels themselves, of colour images in the order that a person sees', async () => {
    const grey = measured(SHOES, 4, 1);
    const tile = tilesIn((await write('pixels', reportOf(grey), grey, 'grey')).html)[2]?.[2] ?? '';
    const decoded = await sharp(Buffer.from(tile.split(',')[1] ?? '', 'base64'))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([decoded.info.width, decoded.info.height]).toEqual([4, 4]);
    expect(decoded.data[0]).toBe(2);

    const colour = measured(['a', 'b'], 3, 3);
    const image = tilesIn((await write('colour', reportOf(colour), colour, 'bgr')).html)[1]?.[2] ?? '';
    const rgb = await sharp(Buffer.from(image.split(',')[1] ?? '', 'base64'))
      .raw()
      .toBuffer();
    expect([...rgb.subarray(0, 3)]).toEqual([128, 128, 1]);
  });

  it('has each plot as a PNG, small, and the figures as JSON', async () => {
    const predictions = measured(SHOES, 4, 1);
    const epochs = [1, 2, 3].map((epoch) => ({
      epoch,
      loss: 1 / epoch,
      accuracy: 0.5 + epoch / 10,
      validationLoss: 0.9 / epoch,
    }));
    const { dir, html } = await write('plots', reportOf(predictions, { epochs }), predictions, 'grey');
    const names = (await readdir(dir)).filter((name) => name.endsWith('.png')).sort();
    const plots = [
      'confusion',
      'first-image',
      'first-images',
      'learning-curves',
      'most-wrong',
      'overview',
      'reliability',
      'shoes',
    ];
    expect(names).toEqual(plots.map((name) => `${name}.png`));
    for (const name of names) {
      const { width = 0, height = 0, format } = await sharp(path.join(dir, name)).metadata();
      expect([format, width > 200, height > 100]).toEqual(['png', true, true]);
      // Something is drawn: more than one colour.
      expect((await sharp(path.join(dir, name)).stats()).entropy, name).toBeGreaterThan(0.1);
      expect((await stat(path.join(dir, name))).size).toBeLessThan(150_000);
    }
    expect(html).toContain('3 epochs');
    const json = JSON.parse(await readFile(path.join(dir, 'evaluation.json'), 'utf8'));
    expect(json).toMatchObject({ result: { n: 16, top1: 0.75 }, calibration: { temperature: 1.5 } });
    expect(json.mistakes).toHaveLength(4);
  });

  it('of other classes shows what is wrong by class, and names what was skipped', async () => {
    const predictions = measured(['cat', 'dog'], 60, 1);
    const skipped = [{ name: 'cat/<x>.png', why: 'The file is empty.' }];
    const { html, dir } = await write('pets', reportOf(predictions, { skipped }), predictions, 'grey');
    expect(html).toContain('<h3>cat: 1 wrong</h3>');
    expect(html).toContain('cat/&#60;x&#62;.png: The file is empty.');
    expect(html).toContain('There is no record of the training.');
    expect(html).not.toContain('among the first five');
    expect(await readdir(dir)).toContain('mistakes.png');
    expect(await readdir(dir)).not.toContain('learning-curves.png');
  });
});

describe('the record of a training', () => {
  it('is read in order; an epoch done again counts once, and a line that was cut off not at all', async () => {
    const file = path.join(root, 'metrics.jsonl');
    const line = (epoch: number, loss: number) => JSON.stringify({ epoch, loss, accuracy: 0.5, rate: 1, seconds: 2 });
    await writeFile(file, `${line(1, 3)}\n${line(2, 2)}\n${line(3, 1.5)}\n${line(2, 1.9)}\n{"epoch": 4, "lo`);
    expect((await readEpochs(file)).map(({ epoch, loss }) => [epoch, loss])).toEqual([
      [1, 3],
      [2, 1.9],
      [3, 1.5],
    ]);
    expect(await readEpochs(path.join(root, 'nothing'))).toEqual([]);
  });
});
