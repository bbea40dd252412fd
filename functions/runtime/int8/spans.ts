import { perChannelCount } from './layout.ts';
import { ACTIVATIONS, type Op, OVERREAD_BYTES, type Program } from './program.ts';

/** Bytes that an op reads or writes: `channels` of every `stride`, from `start` to `end`. */
export interface Span {
  readonly name: string;
  readonly start: number;
  /** After the last byte, without overread. */
  readonly end: number;
  readonly channels: number;
  readonly stride: number;
}

type WithEpilogue = Extract<Op, { residual: number }>;

/** Slices of one concatenated tensor interleave without sharing a byte. */
function share(a: Span, b: Span): boolean {
  if (a.end <= b.start || b.end <= a.start) return false;
  if (a.stride !== b.stride) return true;
  const apart = (((b.start - a.start) % a.stride) + a.stride) % a.stride;
  return apart < a.channels || apart + b.channels > a.stride;
}

/** The ranges of one op against the memory of its program. Every method throws an Error that names the op. */
export class Spans {
  readonly #program: Program;
  readonly #name: string;

  constructor(program: Program, name: string) {
    this.#program = program;
    this.#name = name;
  }

  fail(why: string): never {
    throw new Error(`${this.#name} ${why}`);
  }

  require(holds: boolean, why: string): void {
    if (!holds) this.fail(why);
  }

  flag(name: string, value: number): void {
    this.require(value === 0 || value === 1, `has ${name} ${value}, not 0 or 1`);
  }

  byte(name: string, value: number): void {
    this.require(value >= 0 && value <= 255, `has ${name} ${value}, not a byte`);
  }

  /** A uint8 tensor that is read: with its overread it lies in the arena. */
  tensor(name: string, start: number, pixels: number, channels: number, stride: number): Span {
    this.require(stride >= channels, `has ${name}Stride ${stride} below its ${channels} channels`);
    return this.#arena(name, start, (pixels - 1) * stride + channels, channels, stride);
  }

  scratch(start: number, bytes: number): Span {
    return this.#arena('scratch', start, bytes, bytes, bytes);
  }

  /** A float32 or int8 block of weights, with its overread. */
  weights(name: string, start: number, bytes: number): void {
    const inside = start >= 64 && start + bytes + OVERREAD_BYTES <= this.#program.weightsBytes;
    this.require(
      inside,
      `has ${name} at ${start}…${start + bytes}, outside the ${this.#program.weightsBytes} of weights`,
    );
  }

  sameChannels(op: Op): void {
    this.require(op.inputChannels === op.outputChannels, 'changes the number of channels');
  }

  sameShape(op: Op): void {
    this.sameChannels(op);
    this.require(op.inputHeight === op.outputHeight && op.inputWidth === op.outputWidth, 'changes the shape');
  }

  clamp(op: { readonly low: number; readonly high: number }): void {
    this.require(op.low >= 0 && op.low <= op.high && op.high <= 255, `clamps to ${op.low}…${op.high}`);
  }

  /**
   * @param apart what is read while the output is being written
   * @param elementwise what may lie exactly under the output
   */
  output(op: Op, float: number, apart: readonly Span[], elementwise: readonly Span[] = []): void {
    this.flag('float', float);
    const { output: start, outputChannels: channels, outputStride: stride } = op;
    const pixels = op.outputHeight * op.outputWidth;
    const bytes = float ? 4 : 1;
    this.require(stride >= channels, `has outputStride ${stride} below its ${channels} channels`);
    if (float)
      this.require(stride === channels && start % 4 === 0, 'has a float output that is not dense or not aligned');
    const out = this.#arena(
      'output',
      start,
      ((pixels - 1) * stride + channels) * bytes,
      channels * bytes,
      stride * bytes,
    );
    for (const span of apart) this.require(!share(out, span), `writes its output over its ${span.name}`);
    for (const span of elementwise) {
      const same = span.start === start && span.stride === stride && !float;
      this.require(same || !share(out, span), `writes its output over its ${span.name}`);
    }
  }

  /** Scales, biases, the residual and the output of an op that ends in an epilogue. */
  epilogue(op: WithEpilogue, apart: readonly Span[]): void {
    const bytes = perChannelCount(op.outputChannels) * 4;
    this.weights('scale', op.scale, bytes);
    this.weights('bias', op.bias, bytes);
    this.clamp(op);
    const activation = ACTIVATIONS[op.activation];
    if (activation === undefined) this.fail(`has an unknown activation ${op.activation}`);
    if (activation === 'prelu') this.weights('slope', op.slope, bytes);
    const residual =
      op.residual === -1
        ? []
        : [
            this.tensor(
              'residual',
              op.residual,
              op.outputHeight * op.outputWidth,
              op.outputChannels,
              op.residualStride,
            ),
          ];
    this.output(op, op.float, apart, residual);
  }

  #arena(name: string, start: number, bytes: number, channels: number, stride: number): Span {
    const { arenaBytes } = this.#program;
    const inside = start >= 0 && bytes > 0 && start + bytes + OVERREAD_BYTES <= arenaBytes;
    this.require(inside, `has its ${name} at ${start}…${start + bytes}, outside the arena of ${arenaBytes}`);
    return { name, start, end: start + bytes, channels, stride };
  }
}
