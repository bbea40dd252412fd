import { perClass } from '../evaluate/accuracy.ts';
import { wasTrainedOn } from '../evaluate/calibration.ts';
import { interval95 } from '../evaluate/interval.ts';
import { takenFor } from '../evaluate/mistakes.ts';
import type { EvaluationReport, Illustrations } from './evaluation-report.ts';
import { tilesHtml } from './pictures.ts';
import { escapeHtml } from './plot.ts';
import { type Drawing, inlineSvg, percent } from './svg.ts';
import { PAGE_STYLE } from './theme.ts';

/** One file: no script, nothing from elsewhere, light and dark. */
export function evaluationPage(report: EvaluationReport, shown: Illustrations): string {
  const { model, dataset, result, epochs, mistakes, skipped } = report;
  const [low, high] = interval95(result.top1, result.n);
  const facts = [`revision ${model.revision}`, `version ${model.version.slice(0, 12)}`, `${model.runtime} runtime`];
  return [
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">`,
    `<title>${escapeHtml(model.id)}: evaluation</title><style>${PAGE_STYLE}</style>`,
    `<h1>${escapeHtml(model.title)}</h1><div class="note">${escapeHtml([model.id, ...facts].join(' · '))}</div>`,
    `<p class="headline">${percent(result.top1, 2)}</p>`,
    `<p>of ${count(result.n)} images of ${escapeHtml(dataset)} are named right; with 95 % confidence between ${percent(low, 2)} and ${percent(high, 2)}.</p>`,
    ...figures(report),
    '<h2>Learning curves</h2>',
    ...(shown.curves
      ? [
          plot(shown.curves),
          `<p class="note">${epochs.length} epochs. Validation images are held out of the training set.</p>`,
        ]
      : ['<p class="note">There is no record of the training.</p>']),
    '<h2>The data</h2>',
    plot(shown.first),
    '<h3>The first training images</h3>',
    `<div style="max-width: 720px">${tilesHtml(shown.grid)}</div>`,
    ...(skipped.length > 0
      ? [`<p>${skipped.length} files were not used:</p><ul>${skipped.map(skippedItem).join('')}</ul>`]
      : []),
    '<h2>Classes</h2>',
    classTable(report),
    plot(shown.confusion),
    '<h2>What is taken for what</h2>',
    takenForTable(report),
    '<h2>Calibration</h2>',
    ...calibration(report),
    plot(shown.reliability),
    '<h2>Most wrong</h2>',
    `<p>Of ${count(mistakes.length)} mistakes those with the highest loss: the true class, what it was taken for with its probability, and the probability of the true class.</p>`,
    tilesHtml(shown.worst),
    `<h2>${escapeHtml(shown.focus.title)}</h2>`,
    ...shown.focus.classes.map(({ name, wrong, tiles }) => {
      const some = tiles.length < wrong ? `, the ${tiles.length} with the highest loss` : '';
      return `<h3>${escapeHtml(name)}: ${count(wrong)} wrong${some}</h3>${tilesHtml(tiles)}`;
    }),
    '</html>',
  ].join('\n');
}

const plot = (drawing: Drawing): string =>
  `<div class="scroll plot"><div style="max-width: ${drawing.width}px; min-width: ${Math.min(drawing.width, 560)}px">${inlineSvg(drawing)}</div></div>`;

const FIVE = 'among the first five';

function figures(report: EvaluationReport): string[] {
  const { result, float, calibration, model } = report;
  const interval = (share: number) =>
    interval95(share, result.n)
      .map((end) => percent(end, 2))
      .join(' to ');
  const column = ({ top1, top5, loss }: typeof result) => [
    percent(top1, 2),
    interval(top1),
    percent(top5, 2),
    loss.toFixed(4),
  ];
  const own = column(result);
  const other = float && column(float.result);
  const what = ['accuracy', '95 % interval', FIVE, 'loss (temperature 1)'];
  const rows = what
    .map((words, at) => [words, own[at] ?? '', ...(other ? [other[at] ?? ''] : [])])
    .filter(([words]) => words !== FIVE || report.names.length > 5);
  const head = ['', model.runtime === 'int8' ? 'integer' : 'float', ...(float ? [`float (${float.id})`] : [])];
  return [
    htmlTable(head, rows),
    ...comparison(report),
    `<p class="note">${count(model.parameters)} parameters, ${count(model.memory.total)} bytes while loaded; calibration error ${percent(calibration.after.ece, 2)} at temperature ${calibration.temperature}.</p>`,
  ];
}

function comparison({ result, float }: EvaluationReport): string[] {
  if (!float) return [];
  const { same, n, onlyFloatRight, onlyIntegerRight, scoreDifference } = float.comparison;
  const points = (100 * (float.result.top1 - result.top1)).toFixed(2).replace('-', '−');
  return [
    `<p>Both name the same class on ${percent(same / n, 2)} of the images. Only float is right on ${onlyFloatRight}, only integer on ${onlyIntegerRight}: ${points} points lost. The probability of the first class differs by ${scoreDifference.toFixed(4)} on average.</p>`,
  ];
}

function calibration({ calibration: fitted, result }: EvaluationReport): string[] {
  const { images, accuracy, temperature, before, after, loss } = fitted;
  const found = wasTrainedOn(accuracy, images, result.top1, result.n)
    ? 'Of the validation images too many are named right: the network was trained on them, and no temperature can be fitted.'
    : `The temperature that logits are divided by was fitted on ${count(images)} validation images: ${temperature}.`;
  return [
    `<p>A probability should be the share of right answers. ${found} The bars are the test images by the probability of their first class; the red part is what lacks or is too much, and few images make a pale bar.</p>`,
    htmlTable(
      ['', 'calibration error', 'loss'],
      [
        ['temperature 1', percent(before.ece, 2), result.loss.toFixed(4)],
        ...(temperature === 1 ? [] : [[`temperature ${temperature}`, percent(after.ece, 2), loss.toFixed(4)]]),
      ],
    ),
  ];
}

function classTable({ names, result }: EvaluationReport): string {
  const rows = perClass(result.confusion).map(({ precision, recall, f1, support }, at) => {
    const [low, high] = interval95(support > 0 ? recall : 0, support);
    return [
      names[at] ?? '',
      percent(precision),
      percent(recall),
      `${percent(low)} to ${percent(high)}`,
      percent(f1),
      count(support),
    ];
  });
  return htmlTable(['class', 'precision', 'recall', '95 % interval', 'F1', 'images'], rows);
}

function takenForTable({ names, result }: EvaluationReport): string {
  const rows = takenFor(result.confusion).map(({ label, images, wrong, most }) => [
    names[label] ?? '',
    `${count(wrong)} of ${count(images)}`,
    most ? (names[most.label] ?? '') : '–',
    most ? count(most.count) : '–',
  ]);
  return htmlTable(['true class', 'wrong', 'most often taken for', 'times'], rows, [2]);
}

/** @param words columns that hold no numbers, beside the first */
function htmlTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  words: readonly number[] = [],
): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell, at) => `<${tag}${words.includes(at) ? ' class="words"' : ''}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  return `<div class="scroll"><table>${line(head, 'th')}${rows.map((row) => line(row, 'td')).join('')}</table></div>`;
}

const skippedItem = ({ name, why }: EvaluationReport['skipped'][number]): string =>
  `<li>${escapeHtml(name)}: ${escapeHtml(why)}</li>`;
const count = (value: number): string => value.toLocaleString('en-US');
