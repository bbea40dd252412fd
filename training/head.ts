/**
 * npm run train -- --head-on ID|FILE --data FOLDER --id NEW [--seed N] [--out models/NEW] [--title TEXT] [--licence TEXT]
 *   [for a FILE: --preset … | --channels … --scale … --offset … --resize …, as `compile` takes them]
 *
 * Transfer: a network that was trained on much keeps all but its last layer, and gets a new one for the classes of
 * a folder. Of a compiled model ID the integer program is kept as it is and its features are those of the edge; a float FILE is
 * compiled with its new head.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type ModelInput, modelIdSchema } from '../functions/catalogue/manifest.ts';
import { pooledEnd } from '../functions/runtime/int8/class-activation.ts';
import { decodeProgram, encodeProgram } from '../functions/runtime/int8/encoding.ts';
import { memoryBytes } from '../functions/runtime/int8/engine.ts';
import { FloatNetwork } from './compile/float-network.ts';
import { COMPILE_FLAGS, optionsOf, withNegatives } from './compile/options.ts';
import { feedingInput, pixelsOf, presetInput } from './compile/presets.ts';
import { lastDense, ProgramFeatures, replaceHead } from './compile/program-head.ts';
import { compileModel } from './compile.ts';
import { DataError } from './data/errors.ts';
import { type LabelledFolder, loadFolderAs } from './data/labelled-folder.ts';
import { imageAt, type LabelledImages } from './data/labelled-images.ts';
import { loadServedModel } from './evaluate/served-model.ts';
import { evaluateModel } from './evaluate.ts';
import { weightsOf } from './graph/check.ts';
import { featuresOf, withHead } from './graph/new-head.ts';
import { openModel } from './import/open.ts';
import { publishModel } from './publish/model-folder.ts';
import { Progress } from './terminal/progress.ts';
import { type Features, HEAD_EPOCHS, type Head, trainHead } from './train/head.ts';

const RUNS = 'build/training';
/** To compile with. */
const PICTURES = 200;

interface HeadPlan {
  readonly on: string;
  readonly data: string;
  readonly id: string;
  readonly out: string;
  readonly seed: number;
  readonly title: string;
  readonly licence: string;
  readonly flags: Readonly<Record<string, string | undefined>>;
}

/** @throws DataError, GraphError, ServiceError saying what is wrong with options, network or data */
export async function trainHeadOn(args: readonly string[]): Promise<void> {
  const plan = headPlan(args);
  const isFile = /\.(onnx|h5|hdf5|json)$/i.test(plan.on);
  await (isFile ? onFile(plan) : onModel(plan));
  await evaluateModel({
    model: path.resolve(plan.out),
    data: plan.data,
    record: true,
    report: path.join(RUNS, plan.id, 'report'),
  });
}

function headPlan(args: readonly string[]): HeadPlan {
  const { values } = parseArgs({
    args: withNegatives(args),
    options: { ...COMPILE_FLAGS, 'head-on': { type: 'string' }, data: { type: 'string' }, seed: { type: 'string' } },
  });
  const { 'head-on': on = '', data, seed = '1', ...flags } = values;
  if (data === undefined) throw new DataError('Say whose classes: --data FOLDER, a sub-folder of pictures a class.');
  const id = modelIdSchema.safeParse(flags.id ?? path.basename(flags.out ?? ''));
  if (!id.success) throw new DataError('Say what the new model is called: --id NAME of a-z, 0-9, "-" and ".".');
  if (!/^\d{1,9}$/.test(seed)) throw new DataError(`--seed takes a whole number, not "${seed}".`);
  const out = flags.out ?? path.join('models', id.data);
  if (path.basename(out) !== id.data)
    throw new DataError(`A model's folder has the name of its id: ${out} cannot hold ${id.data}.`);
  const [title, licence] = [
    flags.title ?? `${path.basename(path.resolve(data))}, on ${nameOf(on)}`,
    flags.licence ?? 'not stated',
  ];
  return { on, data, id: id.data, out, seed: Number(seed), title, licence, flags };
}

/** The integer program of a published model keeps everything but its last layer. */
async function onModel(plan: HeadPlan): Promise<void> {
  const folder = existsSync(path.join(plan.on, 'manifest.json')) ? plan.on : path.join('models', plan.on);
  const { manifest, classifier } = await loadServedModel(folder);
  classifier.dispose();
  if (manifest.runtime !== 'int8') return onFile({ ...plan, on: path.join(folder, 'model.json') }, manifest.input);
  const read = (role: string) =>
    Promise.all(
      manifest.files.filter((file) => file.role === role).map((file) => readFile(path.join(folder, file.path))),
    );
  const program = decodeProgram(Buffer.concat(await read('program')));
  const before = { program, weights: Buffer.concat(await read('weights')) };
  const old = lastDense(program);
  const data = await load(manifest.input, plan);
  const network = new ProgramFeatures(before);
  const head = await newHead(plan, data, network.size, async (pixels) => network.of(pixels));
  const after = replaceHead(before, head.weights, head.bias);
  const classes = head.bias.length;
  const { arenaBytes: arena, weightsBytes: weights } = after.program;
  const more = (classes - old.outputChannels) * old.inputChannels;
  await publishModel(plan.out, {
    id: plan.id,
    title: plan.title,
    runtime: 'int8',
    parameters: manifest.parameters + more + classes - old.outputChannels,
    ...(manifest.macs !== undefined && { macs: manifest.macs + more }),
    explanation: pooledEnd(after.program) ? 'cam' : 'occlusion',
    input: manifest.input,
    output: { kind: 'logits', temperature: 1 },
    memory: { weights, arena, total: memoryBytes(after.program) },
    provenance: {
      source: `The features of ${manifest.id} (version ${manifest.version.slice(0, 12)}: ${manifest.provenance.source}), a head trained on ${path.basename(path.resolve(plan.data))}`,
      licence: `${plan.licence}; of the features: ${manifest.provenance.licence}`,
      command: commandOf(plan),
      seed: plan.seed,
    },
    labels: labelsOf(data.train),
    weights: after.weights,
    network: { path: 'program.bin', role: 'program', content: () => encodeProgram(after.program) },
  });
}

/** A float network gets the head and is then compiled like any other. @param fed how it is fed, where the options don't say it */
async function onFile(plan: HeadPlan, fed?: ModelInput): Promise<void> {
  const graph = await openModel(plan.on, { notice: (text) => console.error(text) });
  const { name, size } = featuresOf(graph);
  const given = { ...plan.flags, from: plan.on, id: plan.id, calibrate: plan.data, out: plan.out };
  const options = optionsOf(fed ? { ...given, channels: fed.channels } : given);
  const { feeding } = options;
  const own = () =>
    typeof feeding === 'string' ? presetInput(feeding, graph.input.shape) : feedingInput(feeding, graph.input.shape);
  const input = fed ?? own();
  const data = await load(input, plan);
  const network = await FloatNetwork.of(graph, pixelsOf(input), name);
  const head = await newHead(plan, data, size, (pixels) => network.output(pixels));
  network.dispose();
  const sha256 = createHash('sha256')
    .update(await readFile(plan.on))
    .digest('hex');
  const source = `The features of ${nameOf(plan.on)} (sha256 ${sha256}), a head trained on ${path.basename(path.resolve(plan.data))}`;
  const pictures = Array.from({ length: Math.min(PICTURES, data.train.count) }, (_, at) => imageAt(data.train, at));
  const changed = withHead(graph, head.weights, head.bias);
  const parameters = changed.nodes.flatMap(weightsOf).reduce((sum, [, values]) => sum + values.length, 0);
  const labels = labelsOf(data.train);
  const supplied = { input, pictures, labels, parameters, command: commandOf(plan), seed: plan.seed };
  await compileModel({ ...options, source: options.source ?? source, title: plan.title }, changed, supplied);
}

async function load(input: ModelInput, { data }: HeadPlan): Promise<LabelledFolder> {
  let progress: Progress | undefined;
  const folder = await loadFolderAs(input, data, {
    progress: (done, of) => {
      progress ??= new Progress('reading pictures', of);
      progress.update(done);
    },
  });
  progress?.done();
  return folder;
}

/** @param features of an image, `[size]` */
async function newHead(
  plan: HeadPlan,
  { train, validation }: LabelledFolder,
  size: number,
  features: (pixels: Uint8Array) => Promise<Float32Array | Uint8Array>,
): Promise<Head> {
  const of = async (what: string, images: LabelledImages): Promise<Features> => {
    const progress = new Progress(`features, ${what}`, images.count);
    const values = new Float32Array(images.count * size);
    for (let at = 0; at < images.count; at++) {
      values.set(await features(imageAt(images, at)), at * size);
      progress.update(at + 1);
    }
    progress.done();
    return { values, size, labels: images.labels };
  };
  const [training, held] = [await of('training', train), await of('validation', validation)];
  const metrics = path.join(RUNS, plan.id, 'metrics.jsonl');
  await mkdir(path.dirname(metrics), { recursive: true });
  await rm(metrics, { force: true });
  const lines: string[] = [];
  const progress = new Progress('head', HEAD_EPOCHS);
  const head = trainHead(training, held, train.classNames.length, plan.seed, (epoch) => {
    lines.push(JSON.stringify(epoch));
    progress.update(
      epoch.epoch,
      `validation loss ${epoch.validationLoss.toFixed(4)} accuracy ${epoch.validationAccuracy.toFixed(4)}`,
    );
  });
  progress.done();
  await appendFile(metrics, `${lines.join('\n')}\n`);
  return head;
}

/** A file is often just called model: then its folder says more. */
function nameOf(on: string): string {
  const name = path.basename(on);
  return /^model\./.test(name) ? path.basename(path.dirname(path.resolve(on))) : name;
}

const labelsOf = ({ classNames }: LabelledImages) => classNames.map((label) => ({ label }));

/** What makes the same model again, wherever network and data lie. */
function commandOf({ on, data, id, seed, flags }: HeadPlan): string {
  const fed = ['preset', 'channels', 'scale', 'offset', 'resize'].flatMap((name) =>
    flags[name] === undefined ? [] : [` --${name} ${flags[name]}`],
  );
  return `npm run train -- --head-on ${path.basename(on)} --data ${path.basename(path.resolve(data))} --id ${id} --seed ${seed}${fed.join('')}`;
}
