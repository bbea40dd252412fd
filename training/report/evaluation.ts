import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Mistake } from '../evaluate/mistakes.ts';
import { confusionPlot } from './confusion-plot.ts';
import { learningCurves } from './curves.ts';
import { evaluationPage } from './evaluation-page.ts';
import type { ClassMistakes, EvaluationReport, Illustrations, ReportImages } from './evaluation-report.ts';
import { pictureUrl, type Tile, tilesDrawing, valueMap } from './pictures.ts';
import { rasterise } from './raster.ts';
import { reliabilityPlot } from './reliability-plot.ts';
import { type Drawing, joined, percent } from './svg.ts';

const SHOES = ['Sandal', 'Sneaker', 'Ankle boot'];
const WORST = 30;
/** Of a class that is not one of the shoes. */
const MOST_A_CLASS = 48;

/**
 * Writes `evaluation.html`, which needs nothing else, `evaluation.json`, and each plot as PNG.
 * @returns the page
 */
export async function writeEvaluation(dir: string, report: EvaluationReport, images: ReportImages): Promise<string> {
  const shown = await illustrate(report, images);
  await mkdir(dir, { recursive: true });
  const page = path.join(dir, 'evaluation.html');
  await writeFile(page, evaluationPage(report, shown));
  await writeFile(path.join(dir, 'evaluation.json'), `${JSON.stringify(report, null, 1)}\n`);
  for (const [name, drawing] of Object.entries(drawings(report, shown))) {
    await writeFile(path.join(dir, `${name}.png`), await rasterise(drawing));
  }
  return page;
}

async function illustrate(
  report: EvaluationReport,
  { training, test, channels }: ReportImages,
): Promise<Illustrations> {
  const { names, mistakes, result, calibration, epochs } = report;
  const name = (label: number) => names[label] ?? `class ${label}`;
  const tile = async ({ at, label, predicted, probability, trueProbability }: Mistake): Promise<Tile> => ({
    url: await pictureUrl(test, at, channels),
    tip: `${test.names?.[at] ?? `test image ${at}`}: ${name(label)}, taken for ${name(predicted)}`,
    lines: [
      { words: name(label) },
      { words: `${name(predicted)} ${percent(probability, 0)}`, kind: 'wrong' },
      { words: `true: ${percent(trueProbability, trueProbability < 0.1 ? 2 : 0)}`, kind: 'note' },
    ],
  });
  const shoes = SHOES.every((shoe) => names.includes(shoe));
  const focused = [...names.keys()].filter((label) => !shoes || SHOES.includes(name(label)));
  const classes: ClassMistakes[] = [];
  for (const label of focused) {
    const own = mistakes.filter((mistake) => mistake.label === label);
    const kept = shoes ? own : own.slice(0, MOST_A_CLASS);
    classes.push({ name: name(label), wrong: own.length, tiles: await Promise.all(kept.map(tile)) });
  }
  const grid = Array.from({ length: Math.min(25, training.count) }, async (_, at): Promise<Tile> => {
    const own = name(training.labels[at] ?? 0);
    return { url: await pictureUrl(training, at, channels), tip: own, lines: [{ words: own }] };
  });
  return {
    curves: epochs.length > 0 ? learningCurves(epochs) : undefined,
    first: await valueMap(`The first training image: ${name(training.labels[0] ?? 0)}`, training, 0),
    grid: await Promise.all(grid),
    confusion: confusionPlot(result.confusion, names),
    reliability: reliabilityPlot(calibration.before, calibration.after, calibration.temperature),
    worst: await Promise.all(mistakes.slice(0, WORST).map(tile)),
    focus: { title: shoes ? 'Every shoe it gets wrong' : 'What it gets wrong, by class', classes },
  };
}

/** What becomes a PNG, by name. `overview` is what a README shows. */
function drawings({ model, result }: EvaluationReport, shown: Illustrations): Readonly<Record<string, Drawing>> {
  const { curves, first, grid, confusion, reliability, worst, focus } = shown;
  const mostWrong = (count: number, columns: number) => tilesDrawing('Most wrong', worst.slice(0, count), columns);
  const title = `${model.title}: ${percent(result.top1, 2)} of ${result.n.toLocaleString('en-US')} test images`;
  const classes = focus.classes.filter(({ tiles }) => tiles.length > 0);
  const columns = classes.map(({ name, wrong, tiles }) => tilesDrawing(`${name}: ${wrong} wrong`, tiles, 10));
  return {
    ...(curves && { 'learning-curves': curves }),
    'first-image': first,
    'first-images': tilesDrawing('The first 25 training images', grid, 5),
    confusion,
    reliability,
    'most-wrong': mostWrong(WORST, 6),
    [focus.title.includes('shoe') ? 'shoes' : 'mistakes']: joined(focus.title, columns, 'column'),
    // Both about as high.
    overview: joined(title, [confusion, mostWrong(15, confusion.height < 450 ? 5 : 3)], 'row', title),
  };
}
