import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { AgreementFigures } from '../evaluate/agreement.ts';
import { bars, escapeHtml } from './plot.ts';

export interface LayerFigures {
  readonly name: string;
  readonly op: string;
  readonly shape: readonly number[];
  /** Of its value against float, with all that the layers before it did. */
  readonly decibels: number;
  /** How much lower that is than the least of its inputs: what this layer costs. */
  readonly lostDecibels: number;
  readonly macs: number;
  readonly weightBytes: number;
  /** From its multiplications alone. */
  readonly estimatedMicroseconds: number;
  /** Median on the machine that wrote the report. */
  readonly microseconds: number;
}

/** Layers whose weights were made to fit form w4, and what that cost. */
export interface FastFormFigures {
  readonly layers: number;
  /** Layers that it would have made faster. */
  readonly candidates: number;
  /** All convolutions, by the compiler's model of their cost: as they are, and without it. */
  readonly expectedMs: number;
  readonly expectedMsBefore: number;
  readonly heldOutBefore: AgreementFigures;
}

/** What quantization cost a network. */
export interface QuantizationReport {
  readonly id: string;
  readonly source: string;
  /** How ranges were found, whether biases were corrected … */
  readonly choices: Readonly<Record<string, string>>;
  readonly calibration: AgreementFigures;
  readonly heldOut: AgreementFigures;
  readonly fastForm: FastFormFigures;
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
  readonly bytes: { readonly float: number; readonly weights: number; readonly program: number };
  readonly memory: { readonly weights: number; readonly arena: number; readonly total: number };
  readonly layers: readonly LayerFigures[];
}

/** The layers that lose most, worst first. */
export function worstLayers(report: Pick<QuantizationReport, 'layers'>, count: number): readonly LayerFigures[] {
  return report.layers.toSorted((a, b) => b.lostDecibels - a.lostDecibels).slice(0, count);
}

/** Writes `quantization.json` and `quantization.html` (which needs nothing else) into the folder. */
export async function writeReport(dir: string, report: QuantizationReport): Promise<string> {
  await mkdir(dir, { recursive: true });
  const page = path.join(dir, 'quantization.html');
  await writeFile(path.join(dir, 'quantization.json'), `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(page, reportPage(report));
  return page;
}

const STYLE = `
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 2rem auto; padding: 0 1rem; color: #1d2330; }
  table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #dde; }
  td:first-child, th:first-child { text-align: left; overflow-wrap: anywhere; } svg { width: 100%; font: 11px system-ui, sans-serif; }
  .axis line { stroke: #dde; } .bars rect { fill: #3867d6; } .bars rect:hover { fill: #eb3b5a; } .title { font-size: 14px; font-weight: 600; }`;

export function reportPage(report: QuantizationReport): string {
  const { layers, bytes, memory, calibration, heldOut, skipped, fastForm } = report;
  const names = layers.map(({ name }) => name);
  const plot = (title: string, unit: string, value: (layer: LayerFigures) => number) =>
    bars({ title, unit, names, values: layers.map(value) });
  return [
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeHtml(report.id)}: what quantization cost</title>`,
    `<style>${STYLE}</style><h1>${escapeHtml(report.id)}: what quantization cost</h1>`,
    `<p>From ${escapeHtml(report.source)}. ${Object.entries(report.choices)
      .map(([what, how]) => `${escapeHtml(what)}: ${escapeHtml(how)}`)
      .join('; ')}.</p>`,
    '<h2>Float and integer</h2>',
    htmlTable(
      [
        'images',
        'number',
        'same first class',
        'where float is sure',
        'score difference',
        'over all classes',
        'output SNR',
      ],
      [agreementRow('calibration', calibration), agreementRow('held out', heldOut)],
    ),
    '<h2>Weights that fit the fast form</h2>',
    `<p>${fastForm.layers} of ${fastForm.candidates} layers that form w4 makes faster have weights made to fit it.</p>`,
    htmlTable(
      [
        'held-out images',
        'number',
        'same first class',
        'where float is sure',
        'score difference',
        'over all classes',
        'output SNR',
        'ms est.',
      ],
      [
        [...agreementRow('without', fastForm.heldOutBefore), fastForm.expectedMsBefore.toFixed(1)],
        [...agreementRow('with', heldOut), fastForm.expectedMs.toFixed(1)],
      ],
    ),
    ...(skipped.length > 0
      ? [
          `<p>${skipped.length} pictures could not be read: ${skipped.map(({ name, why }) => escapeHtml(`${name} (${why})`)).join(', ')}</p>`,
        ]
      : []),
    '<h2>Size and memory</h2>',
    htmlTable(
      ['what', 'bytes'],
      [
        ['float32 weights before', count(bytes.float)],
        ['weights after', count(bytes.weights)],
        ['program', count(bytes.program)],
        ['arena', count(memory.arena)],
        ['one WebAssembly memory', count(memory.total)],
      ],
    ),
    '<h2>Layers</h2>',
    plot('Signal-to-noise ratio against float', 'dB', (layer) => layer.decibels),
    plot('Time, measured here', 'µs', (layer) => layer.microseconds),
    plot('Time, estimated from multiplications', 'µs', (layer) => layer.estimatedMicroseconds),
    '<h2>Worst layers</h2>',
    layerTable(worstLayers(report, 10)),
    '<h2>All layers</h2>',
    layerTable(layers),
    '</html>',
  ].join('\n');
}

function agreementRow(what: string, figures: AgreementFigures): string[] {
  const share = `${figures.same} of ${figures.images} (${(figures.top1 * 100).toFixed(1)} %)`;
  const differences = [figures.scoreDifference, figures.allScoresDifference].map((value) => value.toFixed(5));
  const sure = `${figures.sure.same} of ${figures.sure.images}`;
  return [what, count(figures.images), share, sure, ...differences, `${figures.decibels.toFixed(1)} dB`];
}

function layerTable(layers: readonly LayerFigures[]): string {
  const rows = layers.map((layer) => [
    layer.name,
    layer.op,
    layer.shape.join('x'),
    layer.decibels.toFixed(1),
    layer.lostDecibels.toFixed(1),
    count(layer.macs),
    count(layer.weightBytes),
    layer.estimatedMicroseconds.toFixed(0),
    layer.microseconds.toFixed(0),
  ]);
  return htmlTable(['layer', 'op', 'output', 'dB', 'lost dB', 'MACs', 'weight bytes', 'µs est.', 'µs'], rows);
}

function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  return `<table>${line(head, 'th')}${rows.map((row) => line(row, 'td')).join('')}</table>`;
}

const count = (value: number): string => value.toLocaleString('en-US');
