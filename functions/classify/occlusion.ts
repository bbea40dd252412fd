import type { Manifest, ModelInput } from '../catalogue/manifest.ts';
import { ServiceError } from '../errors.ts';
import type { Heat } from '../image/heat-map.ts';
import { best } from './scores.ts';

/** A picture is covered at most so many times a side. */
const MOST_SIDE = 7;
/** Coarser than this it would tell nothing. */
const LEAST_SIDE = 3;
/** Multiplications that an explanation may take: about 5 seconds at the speed of each runtime (`npm run bench`). */
const MAX_MACS: Readonly<Record<Manifest['runtime'], number>> = { int8: 2e11, tfjs: 4e10 };

/**
 * Where a class is seen: the picture is classified again and again, each time with another part of it covered, and
 * what the class loses by it is the heat of that part (Zeiler and Fergus 2014, section 4.2).
 * @param classify pixels of one picture → probabilities `[classes]`
 * @throws ServiceError `explanation-unavailable` where even the coarsest grid takes too long
 */
export async function occlusion(
  classify: (pixels: Uint8Array) => Promise<Float32Array>,
  manifest: Manifest,
  pixels: Uint8Array,
): Promise<Heat> {
  const { input } = manifest;
  const side = gridSide(manifest);
  const [columns, rows] = [Math.min(side, input.width), Math.min(side, input.height)];
  const scores = await classify(pixels);
  const index = best(scores);
  const before = evidence(scores, index);
  const losses = new Float32Array(columns * rows);
  for (let cell = 0; cell < losses.length; cell++) {
    await others();
    const across = patch(cell % columns, columns, input.width);
    const down = patch(Math.floor(cell / columns), rows, input.height);
    const covered = cover(pixels, input, across, down);
    // Where covering helps the class, it is not seen.
    losses[cell] = Math.max(0, before - evidence(await classify(covered), index));
  }
  const most = losses.reduce((a, b) => Math.max(a, b));
  const values = losses.map((loss) => (most > 0 ? loss / most : 0));
  return { width: columns, height: rows, values };
}

/** Cells a side: as fine a grid as the multiplications of the model allow. */
export function gridSide({ id, runtime, input, parameters, macs }: Manifest): number {
  const runs = MAX_MACS[runtime] / Math.max(1, macs ?? estimatedMacs(parameters, input));
  const side = Math.min(MOST_SIDE, Math.floor(Math.sqrt(Math.max(0, runs - 1))));
  if (side >= LEAST_SIDE) return side;
  throw new ServiceError(
    'explanation-unavailable',
    `"${id}" is too large to be asked ${LEAST_SIDE ** 2 + 1} times over, which is the least that an explanation by occlusion takes.`,
    'Ask without explain.',
  );
}

/** For a manifest that does not say: each weight is used about once for every 16 x 16 pixels (VGG16 0.6 times that, ResNet-50 0.8). */
const estimatedMacs = (parameters: number, { width, height }: ModelInput): number =>
  parameters * Math.max(1, (width * height) / 256);

/**
 * The logit of a class over the mean of all, whether the network gives logits or softmax. Its probability would not
 * move where the network is sure, and would rise where another class is covered.
 */
export function evidence(scores: Float32Array, index: number): number {
  const logs = Float64Array.from(scores, (score) => Math.log(Math.max(score, 1e-30)));
  return (logs[index] ?? 0) - logs.reduce((a, b) => a + b) / logs.length;
}

type Range = readonly [from: number, to: number];

/** Two cells wide, around the middle of one. */
const patch = (cell: number, cells: number, length: number): Range => [
  Math.max(0, Math.round(((cell - 0.5) / cells) * length)),
  Math.min(length, Math.round(((cell + 1.5) / cells) * length)),
];

/** A copy with a patch of what the network takes for zero. */
function cover(pixels: Uint8Array, input: ModelInput, [left, right]: Range, [top, bottom]: Range): Uint8Array {
  const nothing = zeroPixel(input);
  const covered = pixels.slice();
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) covered.set(nothing, (y * input.width + x) * nothing.length);
  }
  return covered;
}

function zeroPixel({ channels, scale, offset }: ModelInput): Uint8ClampedArray {
  return Uint8ClampedArray.from({ length: channels === 'grey' ? 1 : 3 }, (_, c) => {
    const of = (values: readonly number[]) => values[values.length === 1 ? 0 : c] ?? 0;
    return -of(offset) / of(scale);
  });
}

/** Lets other requests have their turn. */
const others = () => new Promise<void>((resolve) => setTimeout(resolve, 0));
