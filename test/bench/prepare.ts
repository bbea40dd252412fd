import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { manifestSchema } from '../../functions/catalogue/manifest.ts';
import { dropSoftmax, fold, foldRemainder } from '../../training/compile/fold.ts';
import { fuse } from '../../training/compile/fuse.ts';
import { feedingInput, pixelsOf, presetInput } from '../../training/compile/presets.ts';
import { readImageFolder } from '../../training/data/image-folder.ts';
import type { Graph, Node } from '../../training/graph/graph.ts';
import { openModel } from '../../training/import/open.ts';
import { packNetwork } from './network-file.ts';
import type { BenchNetwork } from './networks.ts';
import { floatModel } from './onnx/float.ts';
import { quantizedModel } from './onnx/quantized.ts';
import { rangesOf } from './onnx/ranges.ts';
import type { NetworkFile } from './runner.ts';

const root = path.join(import.meta.dirname, '../..');
/** What the files below follow from; when it changes they are made again. */
const SOURCES = [
  ...[
    'training/compile',
    'training/compile.ts',
    'training/graph',
    'training/import',
    'training/onnx',
    'test/bench/onnx',
  ],
  ...['prepare', 'network-file', 'networks', 'vgg16'].map((name) => `test/bench/${name}.ts`),
];
const ENGINE = 'functions/runtime/int8';
/** Enough for ranges: how fast a network is does not depend on them. */
const PICTURES = 16;
const RANGE_PICTURES = 4;

/**
 * One network in every form that the runners take, made from the same folded graph, in `build/bench/<id>`.
 * @param files which of them are needed
 * @returns the folder
 */
export async function prepareNetwork(
  id: string,
  network: BenchNetwork,
  files: ReadonlySet<NetworkFile>,
): Promise<string> {
  const folder = path.join(root, 'build/bench', id);
  const stamp = stampOf(network);
  const stampFile = path.join(folder, 'stamp');
  if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(stampFile, stamp);
  }
  const missing = (name: NetworkFile) => files.has(name) && !existsSync(path.join(folder, name));
  const write = (name: NetworkFile, bytes: Uint8Array | string) => writeFileSync(path.join(folder, name), bytes);
  let graph: Graph | undefined;
  const floatGraph = async () => {
    graph ??= await floatGraphOf(network);
    return graph;
  };
  if (missing('float.json') || missing('float.bin')) {
    const { json, numbers } = packNetwork(fuse(await floatGraph()));
    write('float.json', json);
    write('float.bin', new Uint8Array(numbers.buffer));
  }
  // A graph without a file is compiled from its ONNX form.
  const compiles = missing('program.bin') || missing('weights.bin');
  const noSource = typeof network.source !== 'string';
  if (missing('f32.onnx') || (compiles && noSource)) write('f32.onnx', floatModel(await floatGraph()));
  if (missing('int8.onnx')) {
    const inputs = await inputsOf(network, await floatGraph());
    write('int8.onnx', quantizedModel(await floatGraph(), await rangesOf(await floatGraph(), inputs)));
  }
  if (compiles) compileNetwork(id, network, folder);
  return folder;
}

/** Batch norms and pads folded, the softmax at the end left out. */
export async function floatGraphOf({ source }: BenchNetwork): Promise<Graph> {
  const original = typeof source === 'string' ? await openModel(source) : source();
  return withFlattens(foldRemainder(dropSoftmax(fold(original)).graph));
}

/** A dense layer reads a vector: where a map of one pixel comes in, it is laid out. */
function withFlattens(graph: Graph): Graph {
  const vectors = new Set<string>();
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const [input = ''] = node.inputs;
    if (['flatten', 'dense'].includes(node.op) || vectors.has(input)) vectors.add(node.name);
    if (node.op !== 'dense' || vectors.has(input)) return [node];
    const name = `${node.name}:vector`;
    return [
      { name, inputs: [input], op: 'flatten' },
      { ...node, inputs: [name] },
    ];
  });
  return { ...graph, nodes };
}

async function inputsOf({ feeding, pictures }: BenchNetwork, graph: Graph): Promise<Float32Array[]> {
  const { shape } = graph.input;
  const input = typeof feeding === 'string' ? presetInput(feeding, shape) : feedingInput(feeding, shape);
  const { scale, offset } = pixelsOf(input);
  const { images } = await readImageFolder(pictures, input, RANGE_PICTURES);
  return images.map(({ pixels }) =>
    Float32Array.from(pixels, (p, i) => p * (scale[i % scale.length] ?? 1) + (offset[i % scale.length] ?? 0)),
  );
}

/** With `npm run compile`, from a few of the pictures; then the model folder's parts as two files. */
function compileNetwork(id: string, { source, feeding, pictures }: BenchNetwork, folder: string): void {
  const from = typeof source === 'string' ? source : path.join(folder, 'f32.onnx');
  const fed =
    typeof feeding === 'string'
      ? ['--preset', feeding]
      : Object.entries(feeding).map(([name, value]) => `--${name}=${Array.isArray(value) ? value.join(',') : value}`);
  const out = path.join(folder, 'model');
  const args = ['--from', from, '--id', id, ...fed, '--calibrate', somePictures(pictures), '--out', out];
  execFileSync(process.execPath, ['--import', 'tsx', 'training/compile.ts', ...args, '--min-agreement', '0'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(path.join(out, 'manifest.json'), 'utf8')));
  for (const role of ['program', 'weights'] as const) {
    const parts = manifest.files.filter((file) => file.role === role);
    writeFileSync(
      path.join(folder, `${role}.bin`),
      Buffer.concat(parts.map((file) => readFileSync(path.join(out, file.path)))),
    );
  }
}

/** A folder with some of the pictures, or the same one where they stand in one file. */
function somePictures(dir: string): string {
  const names = readdirSync(dir).filter((name) => /\.(jpe?g|png)$/i.test(name));
  if (names.length <= PICTURES) return dir;
  const some = path.join(root, 'build/bench', `${path.basename(dir)}-some`);
  mkdirSync(some, { recursive: true });
  for (let n = 0; n < PICTURES; n++) {
    const name = names[Math.floor((n * names.length) / PICTURES)] ?? '';
    copyFileSync(path.join(dir, name), path.join(some, name));
  }
  return some;
}

function stampOf({ source }: BenchNetwork): string {
  const hash = createHash('sha256');
  const below = (place: string): string[] =>
    place.endsWith('.ts')
      ? [place]
      : readdirSync(path.join(root, place), { recursive: true, encoding: 'utf8' }).map((file) => `${place}/${file}`);
  const engine = readdirSync(path.join(root, ENGINE)).map((file) => `${ENGINE}/${file}`);
  for (const file of [...SOURCES.flatMap(below), ...engine].filter((name) => name.endsWith('.ts')).sort()) {
    hash.update(file).update(readFileSync(path.join(root, file)));
  }
  if (typeof source === 'string') hash.update(readFileSync(source));
  return hash.digest('hex');
}
