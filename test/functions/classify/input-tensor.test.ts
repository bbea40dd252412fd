import { describe, expect, it } from 'vitest';
import type { ModelInput } from '../../../functions/catalogue/manifest.ts';
import { pixelsOf, tensorShape } from '../../../functions/classify/input-tensor.ts';

/** 16 x 16 in `channels`, so that every pixel value has its place. */
const input = (channels: ModelInput['channels'], scale: number[], offset: number[]): ModelInput => ({
  width: 16,
  height: 16,
  channels,
  resize: { rule: 'stretch', width: 16, height: 16, filter: 'area' },
  scale,
  offset,
});

// torchvision's normalisation, TF-Slim's, Caffe's means in BGR, and one that turns light into dark.
const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];
const IMAGENET = { scale: STD.map((std) => 1 / 255 / std), offset: MEAN.map((mean, i) => -mean / (STD[i] ?? 1)) };

describe('values of a tensor', () => {
  it.each<[string, ModelInput]>([
    ['torchvision', input('rgb', IMAGENET.scale, IMAGENET.offset)],
    ['inception', input('rgb', [1 / 127.5], [-1])],
    ['caffe', input('bgr', [1], [-103.939, -116.779, -123.68])],
    ['inverted', input('grey', [-1 / 255], [1])],
    ['grey', input('grey', [1 / 255], [0])],
  ])('of %s are brought back to each of the 256 pixels, in float32', (_name, model) => {
    const [height, width, channels] = tensorShape(model);
    const pixels = Uint8Array.from({ length: height * width * channels }, (_, i) => Math.floor(i / channels));
    const at = (values: readonly number[], i: number) => values[i % values.length] ?? 0;
    const values = Float32Array.from(pixels, (pixel, i) => pixel * at(model.scale, i) + at(model.offset, i));
    expect([...pixelsOf(values, model)]).toEqual([...pixels]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0.6 / 255, 255.6 / 255, 128])(
    'are refused with %d among them, by place and range',
    (value) => {
      const values = new Float32Array(256);
      values[7] = value;
      expect(() => pixelsOf(values, input('grey', [1 / 255], [0]))).toThrow(/Value 7 of the tensor.*from 0 to 1\./);
    },
  );

  it('are refused in another number', () => {
    expect(() => pixelsOf(new Float32Array(255), input('grey', [1], [0]))).toThrow(/has 255 values.*takes 256/);
  });
});
