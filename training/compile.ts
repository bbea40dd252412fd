/**
 * npm run compile -- --from FILE --id ID --calibrate DIR [--out models/ID]
 *   [--preset imagenet-torch|imagenet-caffe|imagenet-keras|raw-rgb|fashion |
 *    --channels rgb|bgr|grey --scale s[,s,s] --offset o[,o,o] --resize stretch|crop]
 *   [--labels FILE] [--title TEXT] [--min-agreement 0.9] [--dense-bits 4|8] [--source TEXT] [--licence TEXT]
 *
 * A float network (ONNX, Keras HDF5, TF.js layers) becomes an integer program and a model folder, with a report of
 * what that cost. Nothing is published when too many held-out images get another first class than from float.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Label, Manifest, ModelInput } from '../functions/catalogue/manifest.ts';
import { pooledEnd } from '../functions/runtime/int8/class-activation.ts';
import { headOf } from '../functions/runtime/int8/embedding.ts';
import { encodeProgram } from '../functions/runtime/int8/encoding.ts';
import { memoryBytes } from '../functions/runtime/int8/engine.ts';
import { calibrateAndQuantize, type Quantized } from './compile/attempt.ts';
import { isSigmoid, labelsFor } from './compile/classes.ts';
import type { FloatNetwork } from './compile/float-network.ts';
import { IntegerRun } from './compile/integer-run.ts';
import { measureLayers } from './compile/measure-layers.ts';
import { mustBeUnchanged } from './compile/must-be-unchanged.ts';
import { type CompileOptions, commandOf, compileOptions } from './compile/options.ts';
import { prepare } from './compile/pipeline.ts';
import { feedingInput, pixelsOf, presetInput } from './compile/presets.ts';
import { type QuantizedGraph, readBy } from './compile/quantized-graph.ts';
import { DataError } from './data/errors.ts';
import { type ImageFolder, readImageFolder } from './data/image-folder.ts';
import { softmax } from './evaluate/agreement.ts';
import { compareWithFloat } from './evaluate/compare.ts';
import { nearTieOf } from './evaluate/near-tie.ts';
import { weightsOf } from './graph/check.ts';
import { type Graph, GraphError } from './graph/graph.ts';
import { SignalToNoise } from './graph/signal-to-noise.ts';
import { openModel } from './import/open.ts';
import { publishModel } from './publish/model-folder.ts';
import { type LayerFigures, type QuantizationReport, worstLayers, writeReport } from './report/quantization.ts';
import { runCommand } from './terminal/command.ts';
import { Progress } from './terminal/progress.ts';
import { table } from './terminal/table.ts';

/** Half of the pictures calibrate, the other half is held out. */
const MAX_IMAGES = 200;
/** Enough to see what a layer loses. */
const LAYER_IMAGES = 6;
const NO_PIXELS = new Uint8Array();
/** What form w reaches in the first-level cache (see the engine's README), multiplications a microsecond. */
const MACS_PER_MICROSECOND = 58_000;

export interface Compiled {
  readonly report: QuantizationReport;
  readonly reportPage: string;
  readonly manifest: Manifest;
}

/** What comes from elsewhere than the files that the options name: from training. */
export interface Supplied {
  readonly input: ModelInput;
  /** uint8 `[height, width, channels]`, to calibrate with. */
  readonly pictures: readonly Uint8Array[];
  readonly labels: readonly Label[];
  /** That training found; the graph has others, such as a tanh's. */
  readonly parameters: number;
  /** What makes the same model again. */
  readonly command: string;
  readonly seed: number;
}

/**
 * @param graph the float network, where it is not `options.from` alone that has it
 * @throws DataError, GraphError where what the user gave cannot be used, and where the integer network agrees too
 *   little with float; nothing is published then, but the report is written.
 */
export async function compileModel(options: CompileOptions, graph?: Graph, supplied?: Supplied): Promise<Compiled> {
  const original = graph ?? (await openModel(options.from, { notice: (text) => console.error(text) }));
  const { feeding } = options;
  const { shape } = original.input;
  const fed = () => (typeof feeding === 'string' ? presetInput(feeding, shape) : feedingInput(feeding, shape));
  const input = supplied?.input ?? fed();
  const pictures = supplied ? null : await readPictures(options.calibrate, input);
  const all = supplied?.pictures ?? pictures?.images.map(({ pixels }) => pixels) ?? [];
  const calibration = all.filter((_, index) => index % 2 === 0);
  const heldOut = all.length > 1 ? all.filter((_, index) => index % 2 === 1) : calibration;

  const prepared = prepare(original, pixelsOf(input));
  const labels = supplied?.labels ?? (await labelsFor(options, prepared));
  await mustBeUnchanged(original, pixelsOf(input), prepared, all[0] ?? NO_PIXELS);
  const rounds: Progress[] = [];
  const choice = await calibrateAndQuantize(prepared, calibration, options, (done, round) => {
    rounds[round] ??= new Progress(round === 0 ? 'calibrating' : `channels made equal, ${round}`, calibration.length);
    if (done < calibration.length) rounds[round].update(done);
    else rounds[round].done();
  });
  const network = choice.float;
  const layers = await layerFigures(choice.graph, heldOut.slice(0, LAYER_IMAGES), network);
  const run = new IntegerRun(choice.graph);
  const scores = isSigmoid(prepared) ? (output: Float32Array) => output : softmax;
  const program = encodeProgram(run.packed.program);
  const head = headOf(run.packed.program);
  const { arenaBytes: arena, weightsBytes: weights } = run.packed.program;
  const measured = await agreementOf(choice, run, { calibration, heldOut }, scores);
  const report: QuantizationReport = {
    id: options.id,
    source: path.basename(options.from),
    choices: {
      ranges: choice.ranges,
      'bias correction': choice.bias,
      activations: `${choice.activationBits} bits`,
      'equalized channels': choice.equalized ? 'yes' : 'no',
      'large dense layers': `${options.denseBits} bits`,
    },
    ...measured,
    skipped: pictures?.skipped ?? [],
    bytes: { float: 4 * parametersOf(original), weights, program: program.length },
    memory: { weights, arena, total: memoryBytes(run.packed.program) },
    layers,
  };
  network.dispose();
  const reportPage = await writeReport(path.join('build/reports', options.id), report);
  mustAgree(report, options.minAgreement, reportPage);
  const manifest = await publishModel(options.out, {
    id: options.id,
    title: options.title,
    runtime: 'int8',
    parameters: supplied?.parameters ?? parametersOf(original),
    macs: layers.reduce((sum, layer) => sum + layer.macs, 0),
    explanation: pooledEnd(run.packed.program) ? 'cam' : 'occlusion',
    ...(head && { embedding: { dims: head.dense.inputChannels } }),
    input,
    output: { kind: isSigmoid(prepared) ? 'softmax' : 'logits', temperature: 1 },
    memory: report.memory,
    ...(!isSigmoid(prepared) && nearTieOf(measured.calibration, measured.heldOut)),
    provenance: {
      source: options.source ?? `${path.basename(options.from)}, sha256 ${await sha256(options.from)}`,
      licence: options.licence,
      command: supplied?.command ?? commandOf(options),
      ...(supplied && { seed: supplied.seed }),
    },
    labels,
    weights: run.packed.weights,
    network: { path: 'program.bin', role: 'program', content: () => program },
  });
  return { report, reportPage, manifest };
}

async function readPictures(dir: string, input: ModelInput): Promise<ImageFolder> {
  let progress: Progress | undefined;
  const folder = await readImageFolder(dir, input, MAX_IMAGES, (done, of) => {
    progress ??= new Progress('reading pictures', of);
    progress.update(done);
  });
  progress?.done();
  for (const { name, why } of folder.skipped) console.error(`skipped ${name}: ${why}`);
  if (folder.skipped.length > 0)
    console.error(`${folder.skipped.length} pictures skipped, ${folder.images.length} used`);
  return folder;
}

/** Fewer tell too little. */
const ENOUGH_SURE = 10;

/** Float against integer, and how near the integers were before weights were made to fit form w4. */
async function agreementOf(
  { float, spending }: Quantized,
  run: IntegerRun,
  images: { readonly calibration: readonly Uint8Array[]; readonly heldOut: readonly Uint8Array[] },
  scores: (output: Float32Array) => Float32Array,
): Promise<Pick<QuantizationReport, 'calibration' | 'heldOut' | 'fastForm'>> {
  const compared = async <const T extends readonly IntegerRun[]>(what: string, runs: T, on: readonly Uint8Array[]) => {
    const line = new Progress(what, on.length);
    const figures = await compareWithFloat(float, runs, on, scores, (done, [first]) =>
      line.update(done, `${first?.same} agree`),
    );
    line.done(`${figures.map(({ same }) => same).join(' and ')} agree`);
    return figures;
  };
  const before = new IntegerRun(spending.original, false);
  const [calibration] = await compared('calibration images', [run], images.calibration);
  const [heldOut, heldOutBefore] = await compared('held-out images', [run, before], images.heldOut);
  const { layers, candidates, expectedMs, savedMs } = spending;
  const fastForm = { layers, candidates, expectedMs, expectedMsBefore: expectedMs + savedMs, heldOutBefore };
  return { calibration, heldOut, fastForm };
}

async function layerFigures(
  graph: QuantizedGraph,
  images: readonly Uint8Array[],
  network: FloatNetwork,
): Promise<LayerFigures[]> {
  const noise = new Map(graph.layers.map(({ name }) => [name, new SignalToNoise()]));
  const costs = await measureLayers(
    graph,
    images,
    (image, keep) => network.run(images[image] ?? NO_PIXELS, keep),
    (name, exact, approximate) => noise.get(name)?.add(exact, approximate),
  );
  const decibels = (name: string) => noise.get(name)?.decibels ?? 100;
  return costs.map((cost, index) => {
    const layer = graph.layers[index];
    const [own, before] = [decibels(cost.name), Math.min(...(layer ? readBy(layer) : []).map(decibels))];
    const estimatedMicroseconds = cost.macs / MACS_PER_MICROSECOND;
    return { ...cost, decibels: own, lostDecibels: before - own, estimatedMicroseconds };
  });
}

/** Of images on which float is sure, where there are enough to tell. */
function mustAgree(report: QuantizationReport, least: number, page: string): void {
  const { heldOut } = report;
  const { images, same } = heldOut.sure.images >= ENOUGH_SURE ? heldOut.sure : heldOut;
  if (same / images >= least) return;
  const blame = worstLayers(report, 5).map(({ name, lostDecibels }) => `${name} (loses ${lostDecibels.toFixed(1)} dB)`);
  throw new DataError(
    `Nothing is published: float and integer name the same class on ${percent(same / images)} of ${images} held-out ` +
      `images${images < heldOut.images ? ' on which float is sure' : ''}, and ${percent(least)} are asked for. Most is lost in ${blame.join(', ')}. See ${page}.`,
  );
}

const parametersOf = (graph: Graph): number =>
  graph.nodes.flatMap(weightsOf).reduce((sum, [, values]) => sum + values.length, 0);

const sha256 = async (file: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

async function main(): Promise<void> {
  const { report, reportPage, manifest } = await compileModel(compileOptions(process.argv.slice(2)));
  const rows = [['calibration', report.calibration] as const, ['held out', report.heldOut] as const].map(
    ([what, figures]) => [
      what,
      figures.images,
      percent(figures.top1),
      `${figures.sure.same} of ${figures.sure.images}`,
      figures.scoreDifference.toFixed(4),
      `${figures.decibels.toFixed(1)} dB`,
    ],
  );
  const { weights, arena, total } = report.memory;
  console.log(table(['images', 'number', 'same first class', 'where float is sure', 'score difference', 'SNR'], rows));
  console.log(`memory ${total} bytes: weights ${weights}, arena ${arena}; float32 weights were ${report.bytes.float}`);
  console.log(`published ${manifest.id} revision ${manifest.revision}; report in ${reportPage}`);
}

if (process.argv[1] === import.meta.filename) await runCommand(main, [DataError, GraphError]);
