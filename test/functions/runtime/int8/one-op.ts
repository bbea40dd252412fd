import fc from 'fast-check';
import { perChannelCount } from '../../../../functions/runtime/int8/layout.ts';
import {
  ACTIVATIONS,
  type ActivationName,
  type Op,
  OVERREAD_BYTES,
  type Program,
} from '../../../../functions/runtime/int8/program.ts';

/** A program of one op, its weights, and an arena full of noise around its tensors. */
export interface OneOp {
  readonly program: Program;
  readonly weights: Uint8Array<ArrayBuffer>;
  readonly arena: Uint8Array<ArrayBuffer>;
  readonly [fc.toStringMethod]: () => string;
}

/** Mulberry32: the same numbers from the same seed everywhere. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What an epilogue is asked for; `spread` of the accumulators decides the scales. */
export interface EpilogueCase {
  readonly activation: ActivationName;
  readonly residual: 'none' | 'apart' | 'in place';
  readonly float: boolean;
}

const CANARY_BYTES = 32;

/** Lays out the memory of one op. Every tensor has noise before, behind and between its channels and its stride. */
export class OneOpBuilder {
  readonly random: () => number;
  #weights = 64;
  #arena = CANARY_BYTES;
  readonly #writes: ((weights: DataView, arena: Uint8Array) => void)[] = [];

  constructor(seed: number) {
    this.random = randomFrom(seed);
  }

  integer(from: number, to: number): number {
    return from + Math.floor(this.random() * (to - from + 1));
  }

  /** The largest activation: 7 bits hold it, or 8. */
  most(): 127 | 255 {
    return this.random() < 0.5 ? 127 : 255;
  }

  /** A tensor of noise up to `most` with up to `slack` bytes between pixels. */
  tensor(pixels: number, channels: number, slack: number, most = 127): { offset: number; stride: number } {
    const stride = channels + slack;
    const offset = this.space(pixels * stride);
    const full = this.random() < 0.1;
    this.#writes.push((_, arena) => {
      for (let pixel = 0; pixel < pixels; pixel++) {
        for (let c = 0; c < channels; c++) arena[offset + pixel * stride + c] = full ? most : this.integer(0, most);
      }
    });
    return { offset, stride };
  }

  /** Room in the arena, a multiple of 4 so that float outputs fit. */
  space(bytes: number): number {
    const offset = Math.ceil(this.#arena / 4) * 4;
    this.#arena = offset + bytes + CANARY_BYTES;
    return offset;
  }

  /** A block of weights: `padding` bytes, then whatever `fill` sets. */
  weights(bytes: number, fill: (block: Uint8Array) => void, padding = 0): number {
    const offset = this.#weights;
    this.#weights += bytes;
    this.#writes.push((view) => {
      const block = new Uint8Array(view.buffer, offset, bytes).fill(padding);
      fill(block);
    });
    return offset;
  }

  /** A block of weights in which every byte counts. */
  bytes(count: number, value: () => number): number {
    return this.weights(count, (block) => {
      block.forEach((_, at) => {
        block[at] = value();
      });
    });
  }

  floats(count: number, value: () => number): number {
    const offset = this.#weights;
    this.#weights += perChannelCount(count) * 4;
    this.#writes.push((view) => {
      for (let at = 0; at < perChannelCount(count); at++) view.setFloat32(offset + at * 4, value(), true);
    });
    return offset;
  }

  halves(bytes: number): number {
    return this.bytes(bytes, () => this.integer(0, 0x3b));
  }

  /** @param spread about how far accumulators go from 0 */
  epilogue(wanted: EpilogueCase, pixels: number, channels: number, spread: number) {
    const steps = wanted.activation === 'none' ? 60 : 4;
    const symmetric = () => this.random() * 2 - 1;
    const slack = wanted.float ? 0 : this.integer(0, 9);
    const output = wanted.float
      ? { offset: this.space(pixels * channels * 4), stride: channels }
      : this.tensor(pixels, channels, slack);
    const residual =
      wanted.residual === 'apart'
        ? this.tensor(pixels, channels, this.integer(0, 9), this.most())
        : wanted.residual === 'in place' && !wanted.float
          ? output
          : { offset: -1, stride: 0 };
    return {
      output: output.offset,
      outputStride: output.stride,
      scale: this.floats(channels, () => ((0.2 + this.random()) * steps) / spread),
      bias: this.floats(channels, () => symmetric() * steps),
      residual: residual.offset,
      residualStride: residual.stride,
      residualScale: Math.fround((symmetric() * steps) / 60),
      activation: ACTIVATIONS.indexOf(wanted.activation),
      slope: wanted.activation === 'prelu' ? this.floats(channels, symmetric) : 0,
      alpha: Math.fround(1 / 6),
      beta: 0.5,
      activationScale: Math.fround(10 + this.random() * 60),
      activationZero: Math.fround(this.random() * 30),
      low: this.integer(0, 1) * this.integer(0, 9),
      high: this.random() < 0.5 ? this.most() : Math.fround(60 + this.random() * 60),
      float: wanted.float ? 1 : 0,
    };
  }

  build(op: Op): OneOp {
    const offset = this.space(4);
    const program: Program = {
      input: { height: 1, width: 1, channels: 1 },
      output: { offset, classes: 1 },
      arenaBytes: this.#arena + OVERREAD_BYTES,
      weightsBytes: this.#weights + OVERREAD_BYTES,
      ops: [op],
    };
    const weights = new Uint8Array(program.weightsBytes);
    const arena = Uint8Array.from({ length: program.arenaBytes }, () => this.integer(0, 255));
    for (const write of this.#writes) write(new DataView(weights.buffer), arena);
    return { program, weights, arena, [fc.toStringMethod]: () => JSON.stringify(op) };
  }
}
