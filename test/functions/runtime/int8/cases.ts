import fc from 'fast-check';
import {
  convFirstK,
  convFirstWeightIndex,
  convFirstWeightsBytes,
  convK,
  convWeightIndex,
  convWeightsBytes,
  denseInt4ScalesBytes,
  denseInt4WeightIndex,
  denseInt4WeightsBytes,
  depthwiseWeightsBytes,
  PANEL_PIXELS,
  readsTensorAsRows,
} from '../../../../functions/runtime/int8/layout.ts';
import { ACTIVATIONS, type OpKind, OVERREAD_BYTES } from '../../../../functions/runtime/int8/program.ts';
import { winogradScratchBytesFor } from '../../../../functions/runtime/int8/winograd.ts';
import { type EpilogueCase, type OneOp, OneOpBuilder } from './one-op.ts';

/** Odd shapes of every op, small enough for the reference; sizes lie around the tiles of 4 pixels and 8 channels. */

const size = fc.integer({ min: 1, max: 9 });
const channelCount = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(7, 8, 9, 15, 16, 17, 24, 32, 64));
const seed = fc.integer();

const map = fc.record({ inputHeight: size, inputWidth: size, outputHeight: size, outputWidth: size });
const window = fc.record({
  kernelHeight: fc.integer({ min: 1, max: 5 }),
  kernelWidth: fc.integer({ min: 1, max: 5 }),
  strideY: fc.integer({ min: 1, max: 3 }),
  strideX: fc.integer({ min: 1, max: 3 }),
  padTop: fc.integer({ min: 0, max: 12 }),
  padLeft: fc.integer({ min: 0, max: 12 }),
});
const dilation = fc.record({ dilationY: fc.integer({ min: 1, max: 3 }), dilationX: fc.integer({ min: 1, max: 3 }) });
const padValue = fc.constantFrom(0, 0, 13, 127, 255);
const epilogue: fc.Arbitrary<EpilogueCase> = fc.oneof(
  fc.constant<EpilogueCase>({ activation: 'none', residual: 'none', float: false }),
  fc.record({
    activation: fc.constantFrom(...ACTIVATIONS),
    residual: fc.constantFrom('none', 'apart', 'in place'),
    float: fc.boolean(),
  }),
);

const pixelsOf = (op: { outputHeight: number; outputWidth: number }) => op.outputHeight * op.outputWidth;

const conv = fc
  .record({
    seed,
    map,
    window,
    dilation,
    padValue,
    epilogue,
    groups: fc.constantFrom(1, 1, 1, 2, 3),
    inputs: channelCount,
    outputs: channelCount,
    form: fc.constantFrom(0, 1, 2, 3),
    rows: fc.boolean(),
    blockPixels: fc.integer({ min: PANEL_PIXELS, max: 20 }),
  })
  .map(({ seed, map, window, inputs, outputs, ...c }): OneOp => {
    const memory = new OneOpBuilder(seed);
    const winograd = c.form === 2;
    const groups = winograd ? 1 : c.groups;
    const pointwise = { kernelHeight: 1, kernelWidth: 1, strideY: 1, strideX: 1, padTop: 0, padLeft: 0 };
    const same = { ...map, outputHeight: map.inputHeight, outputWidth: map.inputWidth };
    const three = { kernelHeight: 3, kernelWidth: 3, strideY: 1, strideX: 1 };
    const shape = {
      ...(c.rows && !winograd ? { ...same, ...pointwise } : { ...map, ...window, ...(winograd ? three : {}) }),
      ...(winograd ? { dilationY: 1, dilationX: 1 } : c.dilation),
      groups,
      inputChannels: inputs * groups,
      outputChannels: outputs * groups,
    };
    const largest = c.form === 3 ? 255 : 127;
    const input = memory.tensor(
      shape.inputHeight * shape.inputWidth,
      shape.inputChannels,
      memory.integer(0, 9),
      largest,
    );
    const k = convK(shape);
    // Form w4 is exact for weights of up to 32: 8 · 127 · 32 < 2^15.
    const most = c.form === 1 ? 32 : 127;
    const full = memory.random() < 0.1;
    const op = {
      kind: 'conv' as const,
      layer: 'conv',
      ...shape,
      input: input.offset,
      inputStride: input.stride,
      ...memory.epilogue(c.epilogue, pixelsOf(shape), shape.outputChannels, Math.sqrt(k) * 40 * most),
      padValue: Math.min(c.padValue, largest),
      weights: memory.weights(convWeightsBytes(shape), (block) => {
        for (let n = 0; n < shape.outputChannels; n++) {
          for (let tap = 0; tap < shape.kernelHeight * shape.kernelWidth; tap++) {
            for (let c = 0; c < inputs; c++) {
              const at = convWeightIndex(shape, Math.floor(n / outputs), n % outputs, tap, c);
              block[at] = full ? most : memory.integer(-most, most);
            }
          }
        }
      }),
      form: c.form,
      scratch: 0,
      scratchBytes: 0,
    };
    if (readsTensorAsRows(op)) return memory.build(op);
    const scratchBytes =
      memory.integer(0, 40) +
      (winograd
        ? winogradScratchBytesFor(op, 4 * memory.integer(1, 3))
        : Math.min(c.blockPixels, pixelsOf(shape)) * k + OVERREAD_BYTES);
    return memory.build({ ...op, scratch: memory.space(scratchBytes), scratchBytes });
  });

const convFirst = fc
  .record({ seed, map, window, epilogue, inputChannels: fc.integer({ min: 1, max: 4 }), outputChannels: channelCount })
  .map(({ seed, map, window, ...c }): OneOp => {
    const memory = new OneOpBuilder(seed);
    const shape = { ...map, ...window, inputChannels: c.inputChannels, outputChannels: c.outputChannels };
    const input = memory.tensor(shape.inputHeight * shape.inputWidth, c.inputChannels, 0, 255);
    const k = convFirstK(shape);
    const pixels = Math.min(memory.integer(PANEL_PIXELS, 20), pixelsOf(shape));
    const scratchBytes = pixels * k * 2 + OVERREAD_BYTES + memory.integer(0, 40);
    return memory.build({
      kind: 'conv-first',
      layer: 'first',
      ...shape,
      input: input.offset,
      inputStride: input.stride,
      ...memory.epilogue(c.epilogue, pixelsOf(shape), c.outputChannels, Math.sqrt(k) * 127 * 80),
      weights: memory.weights(convFirstWeightsBytes(shape), (block) => {
        for (let n = 0; n < shape.outputChannels; n++) {
          for (let tap = 0; tap < shape.kernelHeight * shape.kernelWidth; tap++) {
            for (let channel = 0; channel < c.inputChannels; channel++) {
              block[convFirstWeightIndex(shape, n, tap, channel)] = memory.integer(-127, 127);
            }
          }
        }
      }),
      padValues: memory.integer(-(2 ** 31), 2 ** 31 - 1),
      scratch: memory.space(scratchBytes),
      scratchBytes,
    });
  });

const depthwiseOf = (kind: 'depthwise' | 'depthwise-wide') =>
  fc
    .record({ seed, map, window, dilation, padValue, epilogue, channels: channelCount, roomy: fc.boolean() })
    .map(({ seed, map, window, dilation, channels, roomy, ...c }): OneOp => {
      const memory = new OneOpBuilder(seed);
      // Windows that lie inside the map are multiplied four at a time.
      const wide = {
        inputWidth: map.inputWidth + 8 * window.strideX + 4 * dilation.dilationX,
        padLeft: window.padLeft % window.kernelWidth,
      };
      const channelCounts = { inputChannels: channels, outputChannels: channels };
      const shape = { ...map, ...window, ...dilation, ...(roomy ? wide : {}), ...channelCounts };
      const most = kind === 'depthwise-wide' ? 255 : 127;
      const input = memory.tensor(shape.inputHeight * shape.inputWidth, channels, memory.integer(0, 9), most);
      const taps = shape.kernelHeight * shape.kernelWidth;
      return memory.build({
        kind,
        layer: 'depthwise',
        ...shape,
        input: input.offset,
        inputStride: input.stride,
        ...memory.epilogue(c.epilogue, pixelsOf(shape), channels, Math.sqrt(taps) * 40 * 127),
        padValue: Math.min(c.padValue, most),
        weights: memory.bytes(depthwiseWeightsBytes(shape), () => memory.integer(-128, 127)),
      });
    });

const denseInt4 = fc
  .record({ seed, epilogue, inputChannels: fc.integer({ min: 1, max: 200 }), outputChannels: channelCount })
  .map(({ seed, epilogue, ...channels }): OneOp => {
    const memory = new OneOpBuilder(seed);
    const one = { inputHeight: 1, inputWidth: 1, outputHeight: 1, outputWidth: 1, ...channels };
    const input = memory.tensor(1, channels.inputChannels, memory.integer(0, 9));
    return memory.build({
      kind: 'dense-int4',
      layer: 'dense',
      ...one,
      input: input.offset,
      inputStride: input.stride,
      ...memory.epilogue(epilogue, 1, channels.outputChannels, Math.sqrt(channels.inputChannels) * 100),
      weights: memory.weights(
        denseInt4WeightsBytes(one),
        (block) => {
          for (let n = 0; n < channels.outputChannels; n++) {
            for (let k = 0; k < channels.inputChannels; k++) {
              const { byte, shift } = denseInt4WeightIndex(one, n, k);
              block[byte] = ((block[byte] ?? 0) & ~(15 << shift)) | (memory.integer(1, 15) << shift);
            }
          }
        },
        0x88,
      ),
      groupScales: memory.halves(denseInt4ScalesBytes(one)),
    });
  });

export const convolutions: Readonly<Partial<Record<OpKind, fc.Arbitrary<OneOp>>>> = {
  conv,
  'conv-first': convFirst,
  depthwise: depthwiseOf('depthwise'),
  'depthwise-wide': depthwiseOf('depthwise-wide'),
  'dense-int4': denseInt4,
};
