import * as ort from 'onnxruntime-node';
import { fileModules } from '../../functions/file-modules.ts';
import { decodeProgram, encodeProgram } from '../../functions/runtime/int8/encoding.ts';
import { Engine } from '../../functions/runtime/int8/engine.ts';
import { chooseKernels } from '../../functions/runtime/int8/kernels.ts';
import type { Network } from '../../training/architectures/network.ts';
import { type Observations, observe } from '../../training/compile/calibrate.ts';
import { FloatNetwork } from '../../training/compile/float-network.ts';
import { dropSoftmax, fold } from '../../training/compile/fold.ts';
import { pack } from '../../training/compile/pack.ts';
import { type Prepared, prepare, toIntegers } from '../../training/compile/pipeline.ts';
import type { Graph, Node } from '../../training/graph/graph.ts';
import { randomNumbers } from '../../training/train/random.ts';
import { floatModel } from './onnx/float.ts';

/** A network with random weights on the engine, beside onnxruntime. */
export interface Comparison {
  readonly denseBits: 4 | 8;
  readonly weights: number;
  readonly arena: number;
  /** Of the engine's one memory. */
  readonly total: number;
  /** Of the logits, one a picture. */
  readonly cosines: readonly number[];
  /** Median of one picture on the engine. */
  readonly milliseconds: number;
}

interface Options {
  readonly seed: number;
  /** So many are compared, and as many others calibrate. */
  readonly pictures: number;
  /** Each is compiled and compared. */
  readonly denseBits: readonly (4 | 8)[];
  readonly progress?: (what: string) => void;
}

/** Compiles a network with the weights of a seed, and compares its logits with those of the float network on onnxruntime. */
export async function compareRandom(
  network: Network,
  { seed, pictures, denseBits, progress = () => {} }: Options,
): Promise<readonly Comparison[]> {
  const { shape, deviation } = network.input;
  const channels = shape[2];
  // Grey noise of a standard deviation of 64 becomes what the network was drawn for.
  const pixels = {
    scale: new Array<number>(channels).fill(deviation / 64),
    offset: new Array<number>(channels).fill(-2 * deviation),
  };
  progress('weights are drawn');
  const graph = network.build(seed);
  const noise = Array.from({ length: 2 * pictures }, (_, index) => cloudy(shape, seed + 1 + index));
  const compared = noise.slice(pictures);
  progress('onnxruntime');
  const exact = await floatLogits(graph, pixels, compared);
  progress('calibration');
  const prepared = prepare(graph, pixels);
  const observations = await observed(prepared, noise.slice(0, pictures));
  return denseBits.map((bits) => {
    progress(`integers, dense layers in ${bits} bits`);
    const { program, weights } = pack(
      toIntegers(prepared, observations, { ranges: 'mse', activationBits: 7, denseBits: bits }),
    );
    const { relaxed, baseline } = fileModules.int8;
    // With the checks of the loader.
    const engine = new Engine(chooseKernels({ relaxed, baseline }), decodeProgram(encodeProgram(program)));
    engine.weights.set(weights);
    const times: number[] = [];
    const cosines = compared.map((picture, index) => {
      engine.input.set(picture);
      const start = performance.now();
      engine.run();
      times.push(performance.now() - start);
      return cosine(engine.output, exact[index] ?? new Float32Array());
    });
    const milliseconds = times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;
    const { weightsBytes, arenaBytes } = program;
    return { denseBits: bits, weights: weightsBytes, arena: arenaBytes, total: engine.bytes, cosines, milliseconds };
  });
}

async function observed({ graph, pixels, fused }: Prepared, pictures: readonly Uint8Array[]): Promise<Observations> {
  const float = await FloatNetwork.of(graph, pixels);
  const run = (image: number, keep: (name: string) => boolean) => float.run(pictures[image] ?? new Uint8Array(), keep);
  const observations = await observe(fused, pictures.length, run, () => {});
  float.dispose();
  return observations;
}

/** The float network on onnxruntime, its softmax left out. */
async function floatLogits(
  graph: Graph,
  { scale, offset }: Prepared['pixels'],
  pictures: readonly Uint8Array[],
): Promise<Float32Array[]> {
  const session = await ort.InferenceSession.create(floatModel(flattened(dropSoftmax(fold(graph)).graph)), {
    intraOpNumThreads: 1,
  });
  const [height, width, channels] = graph.input.shape;
  const logits: Float32Array[] = [];
  for (const picture of pictures) {
    const planes = new Float32Array(picture.length);
    for (const [index, pixel] of picture.entries()) {
      const c = index % channels;
      planes[c * height * width + Math.floor(index / channels)] = pixel * (scale[c] ?? 1) + (offset[c] ?? 0);
    }
    const { [session.outputNames[0] ?? '']: output } = await session.run({
      [graph.input.name]: new ort.Tensor('float32', planes, [1, channels, height, width]),
    });
    if (!(output?.data instanceof Float32Array)) throw new Error('onnxruntime gave no float32');
    logits.push(output.data.slice());
  }
  await session.release();
  return logits;
}

/** With a flatten between a mean and a dense layer: the graph has vectors as maps of one position, ONNX has not. */
function flattened(graph: Graph): Graph {
  const means = new Set(graph.nodes.flatMap(({ op, name }) => (op === 'global-average-pool' ? [name] : [])));
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const [input = ''] = node.inputs;
    if (node.op !== 'dense' || !means.has(input)) return [node];
    const name = `${input}/flat`;
    return [
      { name, inputs: [input], op: 'flatten' },
      { ...node, inputs: [name] },
    ];
  });
  return { ...graph, nodes };
}

/** Noise of many sizes, as pictures have: a mean of 128, a standard deviation of about 64. */
function cloudy([height, width, channels]: readonly [number, number, number], seed: number): Uint8Array {
  const random = randomNumbers(seed);
  const values = new Float32Array(height * width * channels);
  for (let cell = 1; cell < Math.max(height, width); cell *= 4) {
    const across = Math.ceil(width / cell);
    const grid = Float32Array.from({ length: Math.ceil(height / cell) * across * channels }, () => random() - 0.5);
    for (let index = 0; index < values.length; index++) {
      const [pixel, c] = [Math.floor(index / channels), index % channels];
      const [y, x] = [Math.floor(pixel / width / cell), Math.floor((pixel % width) / cell)];
      values[index] = (values[index] ?? 0) + (grid[(y * across + x) * channels + c] ?? 0) * 110;
    }
  }
  return Uint8Array.from(values, (value) => Math.min(Math.max(128 + value, 0), 255));
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, sizeA, sizeB] = [0, 0, 0];
  for (const [index, value] of a.entries()) {
    dot += value * (b[index] ?? 0);
    sizeA += value * value;
    sizeB += (b[index] ?? 0) ** 2;
  }
  return dot / Math.sqrt(sizeA * sizeB);
}
