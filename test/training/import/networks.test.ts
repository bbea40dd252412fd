import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Shape } from '../../../training/graph/graph.ts';
import { type Interpreter, prepareInterpreter } from '../../../training/graph/interpret.ts';
import { openModel } from '../../../training/import/open.ts';
import { shared } from '../../fixtures/shared.ts';
import { withOutputs } from './onnx-writer.ts';

/** Real networks of other people, imported and run in float, against what an independent runtime gave or gives. */

const NETWORKS = [
  'fashion-cnn-keras3',
  'fer-mini-xception-keras',
  'minifasnet-v1se',
  'mobilenet-v1-025-128-imagenet',
  'mobilenet-v2-imagenet',
  'nsfwjs-mobilenet-v2-tfjs',
  'ppocr-cls-mobilenetv3',
  'resnet20-cifar10',
  'resnet8-cifar10-keras',
  'teachable-machine-tfjs',
  'vgg16-blocks-1-2',
];
const there = shared('weights') !== null;
const title = (name: string) => (there ? name : `${name} (skipped: FIXTURES_DIR has no weights)`);

/** Outputs of one input: all of them, the best ten, or some figures of a map. */
type Expected =
  | number[]
  | { readonly top10: readonly (readonly [index: number, score: number])[] }
  | { readonly mean: number; readonly max: number; readonly at: Readonly<Record<string, number>> };

interface Reference {
  readonly model: string;
  readonly inputs: { readonly file: string; readonly shape: readonly [number, number, number, number] };
  readonly preprocess: {
    readonly channels: string;
    readonly scale: readonly number[];
    readonly offset: readonly number[];
  };
  readonly outputs: readonly Expected[];
}

/** Pixels are stored as RGB; the network's first channel is blue where it says BGR. */
function prepare(pixels: Uint8Array, { preprocess, inputs }: Reference): Float32Array {
  const channels = inputs.shape[3];
  const bgr = preprocess.channels === 'BGR';
  return Float32Array.from(pixels, (_, i) => {
    const channel = i % channels;
    const pixel = pixels[bgr ? i - channel + channels - 1 - channel : i] ?? Number.NaN;
    const of = (values: readonly number[]) => values[values.length === 1 ? 0 : channel] ?? Number.NaN;
    return pixel * of(preprocess.scale) + of(preprocess.offset);
  });
}

/** Absolute for scores, relative for a map; `at` counts in NCHW. */
function distance(actual: Float32Array, expected: Expected, [height, width, channels]: Shape): number {
  const worst = (pairs: Iterable<readonly [number | undefined, number]>) => {
    let most = 0;
    for (const [a, b] of pairs) most = Math.max(most, Math.abs((a ?? Number.NaN) - b));
    return most;
  };
  if (Array.isArray(expected)) {
    expect(actual.length).toBe(expected.length);
    return worst(expected.map((value, i) => [actual[i], value]));
  }
  if ('top10' in expected) return worst(expected.top10.map(([index, score]) => [actual[index], score]));
  const mean = actual.reduce((a, b) => a + b, 0) / actual.length;
  const max = actual.reduce((a, b) => Math.max(a, b), -Infinity);
  const plane = height * width;
  const points = Object.entries(expected.at).map(
    ([i, value]) =>
      [(actual[(Number(i) % plane) * channels + Math.floor(Number(i) / plane)] ?? 0) / max, value / max] as const,
  );
  return Math.max(Math.abs(mean / expected.mean - 1), Math.abs(max / expected.max - 1), worst(points));
}

/** The answers beside this network were made with its offsets red first, though they stand there blue first. */
const redFirst = (reference: Reference): Reference => ({
  ...reference,
  preprocess: { ...reference.preprocess, offset: reference.preprocess.offset.toReversed() },
});

const output = async (interpreter: Interpreter, input: Float32Array, name: string) =>
  (await interpreter.run(input, (value) => value === name)).get(name) ?? new Float32Array();

describe('other people’s networks give the float answers that stand beside them', () => {
  it.skipIf(!there).each(NETWORKS.map((name) => [title(name), name]))('%s', async (_, name) => {
    const folder = shared(`weights/${name}`) ?? '';
    const given: Reference = JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8'));
    const reference = name === 'vgg16-blocks-1-2' ? redFirst(given) : given;
    const [count, height, width, channels] = reference.inputs.shape;
    const graph = await openModel(path.join(folder, reference.model));
    expect(graph.input.shape).toEqual([height, width, channels]);
    const pixels = readFileSync(path.join(folder, reference.inputs.file));
    const size = height * width * channels;
    expect(pixels.length).toBe(count * size);
    const interpreter = await prepareInterpreter(graph);
    const shape = interpreter.shapes.get(graph.output) ?? graph.input.shape;
    let worst = 0;
    for (const [i, expected] of reference.outputs.entries()) {
      const input = prepare(pixels.subarray(i * size, (i + 1) * size), reference);
      worst = Math.max(worst, distance(await output(interpreter, input, graph.output), expected, shape));
    }
    interpreter.dispose();
    console.log(`${name}: largest difference ${worst.toExponential(1)} over ${count} inputs`);
    expect(reference.outputs.length).toBe(count);
    expect(worst).toBeLessThan(1e-3);
  });
});

/** Centre crop 224 of a picture whose shorter side is 256 (only the numbers matter here), RGB. */
async function picture(file: string): Promise<Uint8Array> {
  return sharp(file)
    .resize(256, 256, { fit: 'outside' })
    .extract({ left: 16, top: 16, width: 224, height: 224 })
    .removeAlpha()
    .raw()
    .toBuffer();
}

const LARGE = {
  'resnet50.onnx': {
    scale: [1 / 255 / 0.229, 1 / 255 / 0.224, 1 / 255 / 0.225],
    offset: [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225],
    channels: 'RGB',
  },
  'googlenet.onnx': { scale: [1], offset: [-104, -117, -123], channels: 'BGR' },
} as const;

describe('ImageNet networks agree with onnxruntime, tensor by tensor', () => {
  it.skipIf(!there).each(Object.entries(LARGE).map(([name, preprocess]) => [title(name), name, preprocess] as const))(
    '%s',
    async (_, name, preprocess) => {
      const file = shared(`weights/${name}`) ?? '';
      const graph = await openModel(file);
      const interpreter = await prepareInterpreter(graph);
      // Every ninth node, and the output.
      const names = graph.nodes.flatMap((node, i) =>
        node.name.endsWith('/flatten') || (i % 9 && node.name !== graph.output) ? [] : [node.name],
      );
      expect(names.length).toBeGreaterThan(15);
      const reference: Reference = {
        model: name,
        inputs: { file: '', shape: [1, 224, 224, 3] },
        preprocess,
        outputs: [],
      };
      const pixels = await picture(shared('data/seed-images/dog.66.jpg') ?? '');
      const input = prepare(pixels, reference);
      const values = await interpreter.run(input, (value) => names.includes(value));
      interpreter.dispose();
      const more = names.filter((value) => value !== graph.output);
      const session = await ort.InferenceSession.create(withOutputs(readFileSync(file), more), {
        graphOptimizationLevel: 'disabled',
        logSeverityLevel: 3,
      });
      const planes = Float32Array.from(input, (__, i) => input[(i % 50176) * 3 + Math.floor(i / 50176)] ?? 0);
      const expected = await session.run({ input: new ort.Tensor('float32', planes, [1, 3, 224, 224]) });
      let [worst, where] = [0, ''];
      for (const value of names) {
        const difference = relativeDifference(values.get(value), expected[value]);
        if (difference > worst) [worst, where] = [difference, value];
      }
      console.log(
        `${name}: ${names.length} tensors, largest difference ${worst.toExponential(1)} of the tensor's largest value, at ${where}`,
      );
      expect(worst).toBeLessThan(1e-4);
    },
  );
});

/** Largest difference between an NHWC map and an NCHW tensor, as a part of the largest value. */
function relativeDifference(actual: Float32Array | undefined, expected: ort.Tensor | undefined): number {
  if (!actual || !expected || actual.length !== expected.data.length) throw new Error('a tensor is missing');
  const [, channels = 1] = expected.dims;
  const plane = actual.length / channels;
  const values = expected.data as Float32Array;
  let [worst, largest] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? Number.NaN;
    largest = Math.max(largest, Math.abs(value));
    worst = Math.max(worst, Math.abs(value - (actual[(i % plane) * channels + Math.floor(i / plane)] ?? Number.NaN)));
  }
  return worst / largest;
}
