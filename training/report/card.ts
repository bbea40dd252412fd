import type { Cascade } from '../../functions/catalogue/cascade.ts';
import type { Manifest } from '../../functions/catalogue/manifest.ts';
import { interval95 } from '../evaluate/interval.ts';

/** What a card tells: the manifest but for its files and what follows from them. */
export type CardFacts = Omit<Manifest, 'format' | 'version' | 'revision' | 'files'>;

/**
 * `card.md` of a model folder, written from its figures alone: the same figures give the same text.
 * @param cascades that it is a network of, by name
 */
export function modelCard(facts: CardFacts, cascades: Readonly<Record<string, Cascade>> = {}): string {
  const { input, output, memory, metrics, provenance } = facts;
  const size = `${input.width}x${input.height}`;
  const lines = [
    `# ${facts.title}`,
    '',
    `${facts.task === 'multilabel' ? 'Multi-label image classification with' : 'Image classification into'} ${facts.classes} classes, ${thousands(facts.parameters)} parameters, on the ${facts.runtime} runtime.`,
    '',
    '## Input',
    '',
    `${size} ${input.channels}, ${resizing(input)}; value = pixel · ${list(input.scale)} + ${list(input.offset)}.`,
    '',
    '## Output',
    '',
    outputOf(facts),
    ...(output.temperature === 1 ? [] : [`Temperature ${output.temperature}.`]),
    '',
    '## Figures',
    '',
    '| what | value |',
    '| --- | --- |',
    ...(metrics ? metricRows(metrics) : []),
    `| weights in memory | ${thousands(memory.weights)} bytes |`,
    ...(memory.arena > 0 ? [`| arena | ${thousands(memory.arena)} bytes |`] : []),
    `| total while loaded | ${thousands(memory.total)} bytes |`,
    ...(metrics ? [] : ['', 'Its accuracy was not measured.']),
    '',
    ...(facts.certainty ? certaintyLines(facts.certainty) : []),
    ...(facts.upload ? uploadLines(facts.upload) : []),
    ...Object.entries(cascades).flatMap(([name, cascade]) => cascadeLines(name, cascade)),
    '## Provenance',
    '',
    `- source: ${provenance.source}`,
    `- licence: ${provenance.licence}`,
    `- made by: \`${provenance.command}\``,
    ...(provenance.seed === undefined ? [] : [`- seed: ${provenance.seed}`]),
    '',
  ];
  return lines.join('\n');
}

function metricRows(metrics: NonNullable<Manifest['metrics']>): string[] {
  const { dataset, n, top1, top5, calibrationError, float, agreement } = metrics;
  const [low, high] = interval95(top1, n);
  return [
    `| top-1 on ${dataset} (${thousands(n)} images) | ${percent(top1)} |`,
    `| 95 % interval of it | ${percent(low)} to ${percent(high)} |`,
    ...(top5 === undefined ? [] : [`| top-5 | ${percent(top5)} |`]),
    ...(float ? [`| top-1 of the float network | ${percent(float.top1)} |`] : []),
    ...(float?.top5 === undefined ? [] : [`| top-5 of the float network | ${percent(float.top5)} |`]),
    ...(agreement === undefined ? [] : [`| first class the same as from float | ${percent(agreement)} |`]),
    ...(calibrationError === undefined ? [] : [`| expected calibration error | ${percent(calibrationError)} |`]),
  ];
}

function certaintyLines({ nearTie, unknown, conformal }: NonNullable<Manifest['certainty']>): string[] {
  const lines = ['## Certainty', ''];
  if (nearTie) {
    lines.push(
      `Near tie: on ${thousands(nearTie.images)} images integers changed the difference of two logits near the highest by at ` +
        `most ${nearTie.margin.toFixed(3)}; answers whose first two are no farther apart say \`near_tie\`.`,
      '',
    );
  }
  if (unknown) {
    const { method, threshold, falseRejects, measuredFalseRejects, dataset, others } = unknown;
    lines.push(
      `Unknown: by ${method}, above ${threshold.toFixed(4)}, fitted to reject ${percent(falseRejects)} of known images ` +
        `(${percent(measuredFalseRejects)} of the fresh ones of ${dataset}).`,
      '',
      '| against | images | AUROC | FPR at 95 % |',
      '| --- | --- | --- | --- |',
      ...others.map((o) => `| ${o.dataset} | ${thousands(o.images)} | ${o.auroc.toFixed(4)} | ${percent(o.fprAt95)} |`),
      '',
    );
  }
  if (conformal) {
    const { coverageAt95, meanSizeAt95, freshImages } = conformal;
    lines.push(
      `Sets of labels for a coverage of 95 %: they hold the true label of ${percent(coverageAt95)} of ` +
        `${thousands(freshImages)} fresh images, with ${meanSizeAt95.toFixed(3)} labels each.`,
      '',
    );
  }
  return lines;
}

function uploadLines(upload: NonNullable<Manifest['upload']>): string[] {
  const { longestEdge, quality, goal, agreement, images, enlarged, tried, dataset } = upload;
  const [low, high] = interval95(agreement, images);
  const found =
    longestEdge === null
      ? `No longest edge of those tried (${tried.join(', ')}) keeps the first class of ${percent(goal)} of the pictures: send ` +
        `photos as they are. The best of them, ${Math.max(...tried)} pixels at`
      : `The smallest longest edge, of ${tried.join(', ')}, that keeps the first class of ${percent(goal)} of the pictures is ` +
        `${longestEdge} pixels, at`;
  return [
    '## Upload',
    '',
    `${found} JPEG quality ${quality}: ${percent(agreement)} of ${thousands(images)} pictures of ${dataset} are answered as at full size ` +
      `(95 % interval ${percent(low)} to ${percent(high)}), in ${thousands(upload.typicalBytes)} bytes typically and ` +
      `${thousands(upload.maxBytes)} at most.`,
    ...(enlarged === 0
      ? []
      : [
          `${thousands(enlarged)} of them were enlarged to the size of a photo first, and have no finer detail than before.`,
        ]),
    '',
  ];
}

function cascadeLines(name: string, { first, second, margin, measured }: Cascade): string[] {
  const { dataset, images, agreement, answeredByFirst, meanMacs, secondMacs, top1, secondTop1 } = measured;
  return [
    `## Cascade \`${name}\``,
    '',
    `${first} answers where its first two probabilities are ${margin.toFixed(4)} or more apart, ${second} all else. ` +
      `On ${thousands(images)} images of ${dataset}:`,
    '',
    `| what | cascade | ${second} alone |`,
    '| --- | --- | --- |',
    `| first class the same as from ${second} alone | ${percent(agreement)} | |`,
    `| answered by ${first} | ${percent(answeredByFirst)} | |`,
    `| multiply-adds an image, mean | ${thousands(Math.round(meanMacs))} | ${thousands(secondMacs)} |`,
    `| top-1 | ${percent(top1)} | ${percent(secondTop1)} |`,
    '',
  ];
}

function outputOf({ task, output }: CardFacts): string {
  if (task !== 'multilabel')
    return output.kind === 'softmax' ? 'Softmax over the classes.' : 'One logit a class; scores are their softmax.';
  const { thresholds = [] } = output;
  const [least, most] = [Math.min(...thresholds), Math.max(...thresholds)].map((share) => share.toFixed(3));
  return `One logit a class; scores are their sigmoids. A class is named from its threshold on, ${least === most ? least : `${least} to ${most}`}.`;
}

function resizing(input: Manifest['input']): string {
  const { resize } = input;
  if (resize.rule === 'fashion') return 'prepared as Fashion-MNIST was';
  const resized =
    resize.rule === 'stretch' ? `stretched to ${resize.width}x${resize.height}` : `shorter side to ${resize.size}`;
  return `${resized} (${resize.filter}), then the centre`;
}

const list = (values: readonly number[]) => (values.length === 1 ? `${values[0]}` : `(${values.join(', ')})`);
const percent = (share: number) => `${(share * 100).toFixed(2)} %`;
const thousands = (value: number) => value.toLocaleString('en-US');
