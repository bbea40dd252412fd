import fc from 'fast-check';
import type { OpKind } from '../../../../functions/runtime/int8/program.ts';
import { type OneOp, OneOpBuilder } from './one-op.ts';

/** Odd shapes of the ops without weights. */

const size = fc.integer({ min: 1, max: 7 });
const channels = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.constantFrom(7, 8, 9, 15, 16, 17, 32));
const seed = fc.integer();
const f = Math.fround;

/** Input and output of one shape, side by side or one on the other. */
function sameShape(
  memory: OneOpBuilder,
  height: number,
  width: number,
  channels: number,
  inPlace: boolean,
  most?: 127 | 255,
) {
  const input = memory.tensor(height * width, channels, memory.integer(0, 9), most);
  const output = inPlace ? input : memory.tensor(height * width, channels, memory.integer(0, 9));
  return {
    input: input.offset,
    inputHeight: height,
    inputWidth: width,
    inputChannels: channels,
    inputStride: input.stride,
    output: output.offset,
    outputHeight: height,
    outputWidth: width,
    outputChannels: channels,
    outputStride: output.stride,
  };
}

const elementwise = fc.record({ seed, height: size, width: size, channels, inPlace: fc.boolean(), flag: fc.boolean() });

const add = elementwise.map(({ seed, height, width, channels, inPlace }): OneOp => {
  const memory = new OneOpBuilder(seed);
  const other = memory.tensor(height * width, channels, memory.integer(0, 9), memory.most());
  return memory.build({
    kind: 'add',
    layer: 'add',
    ...sameShape(memory, height, width, channels, inPlace, memory.most()),
    other: other.offset,
    otherStride: other.stride,
    scale: f(memory.random()),
    otherScale: f(memory.random() * 2 - 1),
    bias: f(memory.random() * 20),
    low: memory.integer(0, 3),
    high: memory.integer(90, memory.most()),
  });
});

const mul = elementwise.map(({ seed, height, width, channels, inPlace, flag }): OneOp => {
  const memory = new OneOpBuilder(seed);
  const other = memory.tensor(flag ? 1 : height * width, channels, memory.integer(0, 9), memory.most());
  return memory.build({
    kind: 'mul',
    layer: 'mul',
    ...sameShape(memory, height, width, channels, inPlace, memory.most()),
    other: other.offset,
    otherStride: other.stride,
    broadcast: flag ? 1 : 0,
    zero: memory.integer(0, 60),
    otherZero: memory.integer(0, 60),
    scale: f(memory.random() / 50),
    bias: f(memory.random() * 40),
    low: 0,
    high: memory.most(),
  });
});

const lookup = elementwise.map(({ seed, height, width, channels, inPlace, flag }): OneOp => {
  const memory = new OneOpBuilder(seed);
  return memory.build({
    kind: 'lookup',
    layer: 'lookup',
    ...sameShape(memory, height, width, channels, inPlace),
    table: memory.bytes(128 * (flag ? channels : 1), () => memory.integer(0, 127)),
    perChannel: flag ? 1 : 0,
  });
});

const lrn = fc
  .record({
    seed,
    height: size,
    width: size,
    channels,
    size: fc.integer({ min: 1, max: 12 }),
    quarters: fc.integer({ min: 0, max: 9 }),
  })
  .map(({ seed, height, width, channels, ...c }): OneOp => {
    const memory = new OneOpBuilder(seed);
    return memory.build({
      kind: 'lrn',
      layer: 'lrn',
      ...sameShape(memory, height, width, channels, false),
      ...c,
      // Squares of differences beyond 127 are added otherwise.
      zero: memory.random() < 0.2 ? memory.integer(128, 160) : memory.integer(0, 40),
      alpha: f(memory.random() / 10_000),
      k: f(1 + memory.random()),
      multiplier: f(0.5 + memory.random()),
      bias: memory.integer(0, 40),
    });
  });

const pool = fc
  .record({
    seed,
    channels,
    outputHeight: size,
    outputWidth: size,
    kernelHeight: fc.integer({ min: 1, max: 5 }),
    kernelWidth: fc.integer({ min: 1, max: 5 }),
    strideY: fc.integer({ min: 1, max: 3 }),
    strideX: fc.integer({ min: 1, max: 3 }),
    countPads: fc.constantFrom(0, 1),
  })
  .map(({ seed, countPads, channels, ...c }) => {
    const memory = new OneOpBuilder(seed);
    const [padTop, padLeft] = [memory.integer(0, c.kernelHeight - 1), memory.integer(0, c.kernelWidth - 1)];
    const [padBottom, padRight] = [memory.integer(0, 3), memory.integer(0, 3)];
    // The last window begins inside the map: that is the smallest map there can be.
    const inputHeight = Math.max(1, (c.outputHeight - 1) * c.strideY - padTop + 1 + memory.integer(0, 3));
    const inputWidth = Math.max(1, (c.outputWidth - 1) * c.strideX - padLeft + 1 + memory.integer(0, 3));
    const input = memory.tensor(inputHeight * inputWidth, channels, memory.integer(0, 9), memory.most());
    const output = memory.tensor(c.outputHeight * c.outputWidth, channels, memory.integer(0, 9));
    const op = {
      layer: 'pool',
      ...c,
      input: input.offset,
      inputStride: input.stride,
      inputHeight,
      inputWidth,
      inputChannels: channels,
      output: output.offset,
      outputStride: output.stride,
      outputChannels: channels,
      padTop,
      padLeft,
    };
    const average = {
      padBottom,
      padRight,
      countPads,
      zero: memory.integer(0, 30),
      multiplier: f(0.5 + memory.random()),
      bias: 20,
    };
    return { memory, op, average };
  });

const maxPool = pool.map(({ memory, op }): OneOp => memory.build({ kind: 'max-pool', ...op }));
const averagePool = pool.map(
  ({ memory, op, average }): OneOp => memory.build({ kind: 'average-pool', ...op, ...average }),
);

const globalAverage = elementwise.map(({ seed, height, width, channels, flag }): OneOp => {
  const memory = new OneOpBuilder(seed);
  const input = memory.tensor(height * width, channels, memory.integer(0, 9), memory.most());
  return memory.build({
    kind: 'global-average',
    layer: 'average',
    input: input.offset,
    inputHeight: height,
    inputWidth: width,
    inputChannels: channels,
    inputStride: input.stride,
    output: flag ? memory.space(channels * 4) : memory.tensor(1, channels, 0).offset,
    outputHeight: 1,
    outputWidth: 1,
    outputChannels: channels,
    outputStride: channels,
    multiplier: f((0.5 + memory.random()) / (height * width)),
    bias: f(memory.random() * 20),
    float: flag ? 1 : 0,
  });
});

const copy = fc
  .record({
    seed,
    inputs: channels,
    outputs: channels,
    inputHeight: size,
    inputWidth: size,
    outputHeight: size,
    outputWidth: size,
    flat: fc.boolean(),
  })
  .map(({ seed, inputs, outputs, flat, ...shape }): OneOp => {
    const memory = new OneOpBuilder(seed);
    const input = memory.tensor(shape.inputHeight * shape.inputWidth, inputs, memory.integer(0, 9), 255);
    const output = memory.tensor(shape.outputHeight * shape.outputWidth, outputs, memory.integer(0, 9));
    return memory.build({
      kind: 'copy',
      layer: 'copy',
      ...shape,
      input: input.offset,
      inputChannels: inputs,
      inputStride: input.stride,
      output: output.offset,
      outputChannels: outputs,
      outputStride: output.stride,
      strideY: memory.integer(1, 2),
      strideX: memory.integer(1, 2),
      strideC: memory.integer(1, 2) === 1 ? 1 : memory.integer(1, 3),
      padTop: memory.integer(-2, 2),
      padLeft: memory.integer(-2, 2),
      padChannel: memory.integer(-9, 9),
      scale: flat ? 1 : f(memory.random()),
      bias: flat ? 0 : f(memory.random() * 9),
      fill: memory.integer(0, 127),
    });
  });

export const simple: Readonly<Partial<Record<OpKind, fc.Arbitrary<OneOp>>>> = {
  add,
  mul,
  lookup,
  lrn,
  copy,
  'max-pool': maxPool,
  'average-pool': averagePool,
  'global-average': globalAverage,
};
