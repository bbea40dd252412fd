import type { ModelInput } from '../catalogue/manifest.ts';
import { ServiceError } from '../errors.ts';

/** `[height, width, channels]` of one input. */
export function tensorShape({
  height,
  width,
  channels,
}: ModelInput): [height: number, width: number, channels: number] {
  return [height, width, channels === 'grey' ? 1 : 3];
}

/**
 * Values as a float network takes them, brought back to pixels: every model here takes uint8 and applies its
 * manifest's `value = pixel · scale + offset` itself. So `pixel = round((value - offset) / scale)`, and what lies half a
 * pixel or less outside 0…255 is taken for the nearest; nothing finer than a pixel is kept.
 * @param values `[height, width, channels]`, normalised, channels in the tensor's order
 * @returns uint8 `[height, width, channels]`
 * @throws ServiceError `bad-request` naming the first value that is no pixel's
 */
export function pixelsOf(values: Float32Array, input: ModelInput): Uint8Array<ArrayBuffer> {
  const [height, width, channels] = tensorShape(input);
  const size = height * width * channels;
  if (values.length !== size) {
    throw new ServiceError(
      'bad-request',
      `The tensor has ${values.length} values.`,
      `This model takes ${size}: ${height} x ${width}, ${input.channels}.`,
    );
  }
  const { scale, offset } = input;
  const pixels = new Uint8Array(size);
  for (let i = 0; i < size; i++) {
    const channel = i % channels;
    const pixel = ((values[i] as number) - at(offset, channel)) / at(scale, channel);
    // Also false for NaN.
    if (!(pixel >= -0.5 && pixel <= 255.5)) throw notOfAPixel(values[i] as number, i, channel, input);
    pixels[i] = Math.min(255, Math.max(0, Math.round(pixel)));
  }
  return pixels;
}

/** One number for all channels, or one a channel. */
const at = (values: readonly number[], channel: number): number => values[values.length === 1 ? 0 : channel] ?? 0;

function notOfAPixel(value: number, index: number, channel: number, { scale, offset }: ModelInput): ServiceError {
  const [a, b] = [at(offset, channel), at(scale, channel) * 255 + at(offset, channel)];
  const [least, most] = [Math.min(a, b), Math.max(a, b)];
  return new ServiceError(
    'bad-request',
    `Value ${index} of the tensor is ${value}, which no pixel becomes.`,
    `Values are pixel · ${short(at(scale, channel))} + ${short(a)}, so from ${short(least)} to ${short(most)}. Or send the picture itself.`,
  );
}

const short = (value: number): string => String(Number(value.toPrecision(6)));
