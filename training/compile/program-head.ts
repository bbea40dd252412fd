import { fileModules } from '../../functions/file-modules.ts';
import { Engine } from '../../functions/runtime/int8/engine.ts';
import { chooseKernels } from '../../functions/runtime/int8/kernels.ts';
import { convWeightsBytes, roundUp } from '../../functions/runtime/int8/layout.ts';
import { type OpOf, OVERREAD_BYTES, type Program } from '../../functions/runtime/int8/program.ts';
import { GraphError } from '../graph/graph.ts';
import { packConv } from './pack-weights.ts';
import { quantizeInt8 } from './quantize-weights.ts';
import { FIRST, WeightsBlock } from './weights-block.ts';

/** A compiled network. */
export interface Compiled {
  readonly program: Program;
  readonly weights: Uint8Array;
}

type Dense = OpOf<'conv'> | OpOf<'dense-int4'>;

/** The dense layer that a program ends in. @throws GraphError where it ends in something else */
export function lastDense({ ops, output }: Program): Dense {
  const last = ops.at(-1);
  const isDense =
    last?.kind === 'dense-int4' ||
    (last?.kind === 'conv' && last.kernelHeight * last.kernelWidth * last.groups === 1 && last.residual === -1);
  if (last && isDense && last.inputHeight * last.inputWidth === 1 && last.output === output.offset)
    return last as Dense;
  throw new GraphError(
    `The program ends in "${last?.layer}" (${last?.kind}): only a dense layer can be replaced by a new head.`,
  );
}

/** What the last layer of a program reads: bytes, in whatever steps and around whatever zero. */
export class ProgramFeatures {
  readonly size: number;
  readonly #engine: Engine;
  readonly #from: number;

  constructor({ program, weights }: Compiled) {
    const { input, inputChannels } = lastDense(program);
    [this.#from, this.size] = [input, inputChannels];
    const { relaxed, baseline } = fileModules.int8;
    this.#engine = new Engine(chooseKernels({ relaxed, baseline }), program);
    this.#engine.weights.set(weights);
  }

  /** @param pixels uint8 `[height, width, channels]`. @returns uint8 `[size]`, valid until the next call */
  of(pixels: Uint8Array): Uint8Array {
    this.#engine.input.set(pixels);
    this.#engine.run();
    return this.#engine.arena.subarray(this.#from, this.#from + this.size);
  }
}

/**
 * The same network with another last layer: 8-bit weights, logits in float32. The old one's weights go, as they are the last
 * of the block.
 * @param weights of those bytes, `[features][classes]`
 */
export function replaceHead(
  { program, weights: block }: Compiled,
  weights: Float32Array,
  bias: Float32Array,
): Compiled {
  const old = lastDense(program);
  const classes = bias.length;
  const { input, inputChannels, inputStride } = old;
  const shape = { kernelHeight: 1, kernelWidth: 1, inputChannels, outputChannels: classes, groups: 1 };
  const { weights: rounded, scales } = quantizeInt8(weights, classes);
  const fresh = new WeightsBlock();
  // The first bytes of a block are unused: they come to lie on what is kept.
  const base = roundUp(startOf(program, old, block.length), FIRST) - FIRST;
  const offset = (at: number) => base + at;
  const fits = classes <= old.outputChannels;
  const output = fits ? program.output.offset : roundUp(program.arenaBytes, 64);
  const head: OpOf<'conv'> = {
    kind: 'conv',
    layer: 'head',
    ...{ input, inputHeight: 1, inputWidth: 1, inputChannels, inputStride },
    ...{ output, outputHeight: 1, outputWidth: 1, outputChannels: classes, outputStride: classes },
    ...{ kernelHeight: 1, kernelWidth: 1, strideY: 1, strideX: 1, padTop: 0, padLeft: 0, dilationY: 1, dilationX: 1 },
    ...{
      groups: 1,
      padValue: old.kind === 'conv' ? old.padValue : 0,
      form: old.kind === 'conv' && old.form === 3 ? 3 : 0,
      scratch: 0,
      scratchBytes: 0,
    },
    weights: offset(fresh.add(convWeightsBytes(shape), () => packConv(shape, rounded))),
    scale: offset(fresh.addPerChannel(classes, (c) => scales[c] ?? 0)),
    bias: offset(fresh.addPerChannel(classes, (c) => bias[c] ?? 0)),
    ...{ residual: -1, residualStride: 0, residualScale: 0 },
    ...{
      activation: 0,
      slope: 0,
      alpha: 0,
      beta: 0,
      activationScale: 1,
      activationZero: 0,
      low: 0,
      high: 127,
      float: 1,
    },
  };
  const added = fresh.bytes();
  const together = new Uint8Array(base + added.length);
  together.set(block.subarray(0, base + FIRST));
  together.set(added.subarray(FIRST), base + FIRST);
  return {
    program: {
      ...program,
      output: { offset: output, classes },
      arenaBytes: fits ? program.arenaBytes : output + roundUp(4 * classes + OVERREAD_BYTES, 64),
      weightsBytes: together.length,
      ops: [...program.ops.slice(0, -1), head],
    },
    weights: together,
  };
}

/** Where the weights of the last layer begin, or the end of all where others stand behind them. */
function startOf({ ops }: Program, last: Dense, end: number): number {
  const parts = (op: Dense) => [op.weights, op.scale, op.bias, ...(op.kind === 'dense-int4' ? [op.groupScales] : [])];
  const start = Math.min(...parts(last));
  const others = ops.slice(0, -1).flatMap((op) => {
    if (op.kind === 'lookup') return [op.table];
    return 'weights' in op
      ? [op.weights, op.kind === 'dense-int4' ? op.groupScales : 0, op.scale, op.bias, op.slope]
      : [];
  });
  return others.every((other) => other < start) ? start : end;
}
