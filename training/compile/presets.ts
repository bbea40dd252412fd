import type { ModelInput } from '../../functions/catalogue/manifest.ts';
import { DataError } from '../data/errors.ts';
import type { Shape } from '../graph/graph.ts';

/** How the networks of a kind were fed when they were trained. Shares of a crop are those of 224 in 256. */
export const PRESETS = ['imagenet-torch', 'imagenet-caffe', 'imagenet-keras', 'raw-rgb', 'fashion'] as const;
export type Preset = (typeof PRESETS)[number];

type Preparation = Pick<ModelInput, 'channels' | 'resize' | 'scale' | 'offset'>;

/** What of a picture becomes the network's input, said without a preset. */
export interface Feeding {
  readonly channels: ModelInput['channels'];
  readonly scale: readonly number[];
  readonly offset: readonly number[];
  readonly resize: 'stretch' | 'crop';
}

const TORCH_MEAN = [0.485, 0.456, 0.406];
const TORCH_STD = [0.229, 0.224, 0.225];

/** @throws DataError where the network's input does not fit the preset */
export function presetInput(preset: Preset, shape: Shape): ModelInput {
  const [height, width] = shape;
  const larger = (side: number) => Math.round((side * 256) / 224);
  const stretched = (w: number, h: number, filter: 'nearest' | 'bilinear' | 'bicubic') =>
    ({ rule: 'stretch', width: w, height: h, filter }) as const;
  const preparations: Readonly<Record<Preset, Preparation>> = {
    'imagenet-torch': {
      channels: 'rgb',
      resize: { rule: 'shorter-side', size: larger(Math.max(height, width)), filter: 'bilinear' },
      scale: TORCH_STD.map((std) => 1 / 255 / std),
      offset: TORCH_MEAN.map((mean, c) => -mean / (TORCH_STD[c] ?? 1)),
    },
    'imagenet-caffe': {
      channels: 'bgr',
      resize: stretched(larger(width), larger(height), 'bilinear'),
      scale: [1],
      offset: [-104, -117, -123],
    },
    'imagenet-keras': {
      channels: 'bgr',
      resize: stretched(width, height, 'nearest'),
      scale: [1],
      offset: [-103.939, -116.779, -123.68],
    },
    'raw-rgb': { channels: 'rgb', resize: stretched(width, height, 'bicubic'), scale: [1], offset: [0] },
    fashion: { channels: 'grey', resize: { rule: 'fashion' }, scale: [1 / 255], offset: [0] },
  };
  return fitting({ width, height, ...preparations[preset] }, shape, `preset ${preset}`);
}

export function feedingInput(feeding: Feeding, shape: Shape): ModelInput {
  const [height, width] = shape;
  const { channels, scale, offset } = feeding;
  if (feeding.resize === 'crop' && height !== width) {
    throw new DataError(`The network takes ${width}x${height}; only a square can be cropped: use --resize stretch.`);
  }
  const resize: ModelInput['resize'] =
    feeding.resize === 'crop'
      ? { rule: 'shorter-side', size: Math.round((width * 256) / 224), filter: 'bilinear' }
      : { rule: 'stretch', width, height, filter: 'bilinear' };
  return fitting({ width, height, channels, resize, scale: [...scale], offset: [...offset] }, shape, '--channels');
}

/** value = pixel · scale + offset, one number a channel. */
export function pixelsOf(input: ModelInput): { scale: number[]; offset: number[] } {
  const channels = input.channels === 'grey' ? 1 : 3;
  const spread = (values: readonly number[]) =>
    Array.from({ length: channels }, (_, c) => values[values.length === 1 ? 0 : c] ?? 0);
  return { scale: spread(input.scale), offset: spread(input.offset) };
}

function fitting(input: ModelInput, [height, width, depth]: Shape, what: string): ModelInput {
  const channels = input.channels === 'grey' ? 1 : 3;
  if (channels !== depth) {
    throw new DataError(`The network takes ${depth} channels, and ${what} gives ${channels} (${input.channels}).`);
  }
  for (const values of [input.scale, input.offset]) {
    if (values.length !== 1 && values.length !== channels) {
      throw new DataError(`--scale and --offset take one number, or one for each of the ${channels} channels.`);
    }
  }
  if (input.scale.some((scale) => scale === 0)) throw new DataError('A --scale of 0 makes all pictures one.');
  if (input.resize.rule === 'fashion' && (width !== 28 || height !== 28)) {
    throw new DataError(`The network takes ${width}x${height}, and ${what} gives 28x28.`);
  }
  return input;
}
