import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeProgram } from '../../../functions/runtime/int8/encoding.ts';
import { calibrateAndQuantize } from '../../../training/compile/attempt.ts';
import { observe } from '../../../training/compile/calibrate.ts';
import { FloatNetwork } from '../../../training/compile/float-network.ts';
import { IntegerRun } from '../../../training/compile/integer-run.ts';
import { prepare, toIntegers } from '../../../training/compile/pipeline.ts';
import { feedingInput, pixelsOf, presetInput } from '../../../training/compile/presets.ts';
import { readImageFolder } from '../../../training/data/image-folder.ts';
import { softmax } from '../../../training/evaluate/agreement.ts';
import { openModel } from '../../../training/import/open.ts';
import { shared } from '../../fixtures/shared.ts';

/** Real networks of other people, compiled and run in integers, against the float answers of an independent runtime. */

interface Bounds {
  /** To calibrate on. */
  readonly images: number;
  /** Bytes of weights and arena, which may not grow without being seen. */
  readonly memory: number;
  /** What activations take, where it is not 7 bits. */
  readonly activationBits?: 8;
}

const CLASSIFIERS: Readonly<Record<string, Bounds>> = {
  'fashion-cnn-keras3': { images: 24, memory: 180_000 },
  'fer-mini-xception-keras': { images: 24, memory: 560_000 },
  'minifasnet-v1se': { images: 60, memory: 760_000 },
  'mobilenet-v1-025-128-imagenet': { images: 24, memory: 800_000 },
  'mobilenet-v2-imagenet': { images: 10, memory: 5_200_000 },
  'nsfwjs-mobilenet-v2-tfjs': { images: 16, memory: 4_300_000 },
  'ppocr-cls-mobilenetv3': { images: 64, memory: 360_000, activationBits: 8 },
  'resnet20-cifar10': { images: 24, memory: 720_000 },
  'resnet8-cifar10-keras': { images: 24, memory: 500_000 },
  'teachable-machine-tfjs': { images: 24, memory: 1_400_000 },
};

/** Mean score difference. */
const MOST_DIFFERENCE = 0.05;

interface Reference {
  readonly model: string;
  readonly inputs: { readonly shape: readonly [number, number, number, number] };
  readonly preprocess: {
    readonly channels: string;
    readonly scale: readonly number[];
    readonly offset: readonly number[];
  };
  readonly outputs: readonly (
    | readonly number[]
    | { readonly top10: readonly (readonly [index: number, score: number])[] }
  )[];
}

/** Seconds each, unless the machine is busy with much else. */
const TIMEOUT_MS = 900_000;

const weights = shared('weights');
const data = shared('data');
const there = weights !== null && data !== null;
const title = (name: string) => (there ? name : `${name} (skipped: needs the weights and data under FIXTURES_DIR)`);

/** A network, pictures to calibrate on, and those that the float answers are for. */
async function opened(name: string, images: number) {
  const folder = path.join(weights ?? '', name);
  const reference: Reference = JSON.parse(readFileSync(path.join(folder, 'expected.json'), 'utf8'));
  const { preprocess, inputs } = reference;
  const [count, height, width, channels] = inputs.shape;
  const graph = await openModel(path.join(folder, reference.model), { inputShape: [height, width, channels] });
  const order = channels === 1 ? 'grey' : preprocess.channels === 'BGR' ? 'bgr' : 'rgb';
  const feeding = { ...preprocess, channels: order, resize: 'stretch' } as const;
  const input = width === 28 ? presetInput('fashion', graph.input.shape) : feedingInput(feeding, graph.input.shape);
  const kind = width === 28 ? 'fashion-mnist' : height === 32 ? 'airplane/train/other' : 'imagenet-sample';
  // Of twice as many every second, as the command does.
  const pictures = await readImageFolder(path.join(data ?? '', kind), input, 2 * images);
  const calibration = pictures.images.filter((_, index) => index % 2 === 0).map(({ pixels }) => pixels);
  const stored = readFileSync(path.join(folder, 'inputs.u8'));
  const size = height * width * channels;
  const given = Array.from({ length: count }, (_, n) => {
    const pixels = Uint8Array.from(stored.subarray(n * size, (n + 1) * size));
    // Stored as RGB.
    if (order === 'bgr') for (let p = 0; p < size; p += 3) pixels.subarray(p, p + 3).reverse();
    return pixels;
  });
  return { reference, prepared: prepare(graph, pixelsOf(input)), calibration, given };
}

describe.skipIf(!there)(title('real networks in integers'), () => {
  it.each(Object.entries(CLASSIFIERS))(
    '%s answers as float does',
    async (name, { images, memory, activationBits = 7 }) => {
      const { reference, prepared, calibration, given } = await opened(name, images);
      const quantized = await calibrateAndQuantize(prepared, calibration, { denseBits: 4 }, () => {});
      quantized.float.dispose();
      expect(quantized.activationBits).toBe(activationBits);
      const { graph: integers } = quantized;
      const run = new IntegerRun(integers, false);
      expect(encodeProgram(run.packed.program).length).toBeGreaterThan(0);
      expect(run.packed.program.weightsBytes + run.packed.program.arenaBytes).toBeLessThan(memory);
      const differences: number[] = [];
      for (const [index, pixels] of given.entries()) {
        const scores = softmax(run.run(pixels));
        const expected = scoresOf(reference.outputs[index] ?? []);
        const [[first, top] = [0, 0], [, next] = [0, 0]] = expected;
        const answer = scores.indexOf(Math.max(...scores));
        if (top - next > 0.1) expect(answer, `${name}, input ${index}: ${top} against ${next}`).toBe(first);
        for (const [c, score] of expected) differences.push(Math.abs((scores[c] ?? 0) - score));
      }
      const mean = differences.reduce((a, b) => a + b, 0) / differences.length;
      expect(mean, `${name}: mean score difference`).toBeLessThan(MOST_DIFFERENCE);
    },
    TIMEOUT_MS,
  );

  it('vgg16-blocks-1-2 agrees layer by layer', async () => {
    const { prepared, calibration, given } = await opened('vgg16-blocks-1-2', 4);
    const float = await FloatNetwork.of(prepared.graph, prepared.pixels);
    const seen = (image: number, keep: (name: string) => boolean) =>
      float.run(calibration[image] ?? new Uint8Array(), keep);
    const observations = await observe(prepared.fused, calibration.length, seen, () => {});
    const integers = toIntegers(prepared, observations, { ranges: 'mse', activationBits: 7, denseBits: 4 });
    const run = new IntegerRun(integers, true);
    const [pixels = new Uint8Array()] = given;
    run.run(pixels);
    const values = await float.run(pixels, () => true);
    for (const { name } of integers.layers) {
      const [exact, approximate] = [values.get(name) ?? new Float32Array(), run.value(name)];
      let [dot, a, b] = [0, 0, 0];
      for (const [index, value] of exact.entries()) {
        dot += value * (approximate[index] ?? 0);
        a += value * value;
        b += (approximate[index] ?? 0) ** 2;
      }
      expect(dot / Math.sqrt(a * b), name).toBeGreaterThan(0.995);
    }
  });
});

/** Classes with their scores, best first: all, or the best ten. */
function scoresOf(output: Reference['outputs'][number]): readonly (readonly [index: number, score: number])[] {
  if ('top10' in output) return output.top10;
  const values = Float32Array.from(output);
  const isScores = values.every((value) => value >= 0) && Math.abs(values.reduce((a, b) => a + b, 0) - 1) < 0.01;
  return Array.from(isScores ? values : softmax(values), (score, index) => [index, score] as const).sort(
    (a, b) => b[1] - a[1],
  );
}
