import { convFirstK, convK, INT4_GROUP, readsTensorAsRows } from './layout.ts';
import type { Op } from './program.ts';
import { winogradTiles } from './winograd.ts';

/**
 * An op in parts that threads run side by side. A part is an op of its own, with the same kernel, over some rows, pixels
 * or channels of the output: it writes no byte of another part, and each byte comes from the same operations in the same
 * order as in the whole, so that the bits are the same for any number of parts.
 *
 *     rows      padTop moves, so that windows of the first row of a part begin where they did
 *     pixels    where windows are single pixels the map is one long row
 *     channels  in steps of 8, as weights are packed
 */
type Axis = 'rows' | 'pixels' | 'channels';

interface Cut {
  readonly axis: Axis;
  /** Length of the axis, and the steps in which it may be cut. */
  readonly length: number;
  readonly step: number;
  /** What threads do twice, as a part of the work of each, a thread. */
  readonly doubled: number;
}

/** Work that takes about as long as threads take to meet, in multiplications of a convolution. */
const LEAST_WORK = 60_000;

/** @returns a part each for the first threads, or null where the op is best left whole */
export function splitOp(op: Op, threads: number, leastWork = LEAST_WORK): readonly Op[] | null {
  if (threads < 2 || workOf(op) < leastWork) return null;
  let best: { parts: number; cut: Cut; speed: number } | undefined;
  for (const cut of cutsOf(op)) {
    const units = Math.ceil(cut.length / cut.step);
    const parts = Math.min(units, threads);
    const speed = units / Math.ceil(units / parts) / (1 + cut.doubled * parts);
    if (speed > (best?.speed ?? 1)) best = { parts, cut, speed };
  }
  if (!best) return null;
  const { cut, parts } = best;
  const units = Math.ceil(cut.length / cut.step);
  const edge = (part: number) => Math.min(cut.length, Math.floor((part * units) / parts) * cut.step);
  return Array.from({ length: parts }, (_, part) => partOf(op, cut.axis, edge(part), edge(part + 1)));
}

function workOf(op: Op): number {
  const outputs = op.outputHeight * op.outputWidth * op.outputChannels;
  switch (op.kind) {
    case 'conv':
      return outputs * convK(op);
    case 'conv-first':
      return 2 * outputs * convFirstK(op);
    case 'dense-int4':
      return 2 * outputs * op.inputChannels;
    case 'depthwise':
    case 'depthwise-wide':
    case 'average-pool':
    case 'max-pool':
      return 6 * outputs * op.kernelHeight * op.kernelWidth;
    case 'global-average':
      return 6 * outputs * op.inputHeight * op.inputWidth;
    default:
      return 16 * outputs;
  }
}

function cutsOf(op: Op): readonly Cut[] {
  const pixels = op.outputHeight * op.outputWidth;
  const rows = (doubled: number, step = 1): Cut => ({ axis: 'rows', length: op.outputHeight, step, doubled });
  const channels = (doubled: number): Cut => ({ axis: 'channels', length: op.outputChannels, step: 8, doubled });
  const flat = (doubled: number, step: number): Cut => ({ axis: 'pixels', length: pixels, step, doubled });
  const shared = 2 / op.outputChannels;
  switch (op.kind) {
    case 'conv': {
      // A float output is as wide as its op has channels.
      const byChannels = op.groups === 1 && (op.float === 0 || pixels === 1);
      if (op.form === 2)
        return [rows(3 / winogradTiles(op), 4), ...(byChannels ? [channels(5 / op.outputChannels)] : [])];
      const along = readsTensorAsRows(op) ? flat(2 / pixels, 4) : rows(2 / pixels);
      return [along, ...(byChannels ? [channels(shared)] : [])];
    }
    case 'conv-first':
      return [rows(2 / pixels), ...(op.float === 0 || pixels === 1 ? [channels(shared)] : [])];
    case 'dense-int4':
    case 'global-average':
      return [channels(shared)];
    case 'max-pool':
    case 'average-pool':
      return [rows(0), channels(shared)];
    case 'depthwise':
    case 'depthwise-wide':
    case 'copy':
      return [rows(0)];
    case 'lrn':
    case 'add':
    case 'mul':
    case 'lookup':
      return [flat(0, 1)];
    default:
      return op satisfies never;
  }
}

function partOf(op: Op, axis: Axis, from: number, to: number): Op {
  const count = to - from;
  const bytes = 'float' in op && op.float === 1 ? 4 : 1;
  if (axis === 'channels') return { ...op, ...ofChannels(op, from, count, bytes) } as Op;
  const first = axis === 'rows' ? from * op.outputWidth : from;
  const moved = {
    output: op.output + first * op.outputStride * bytes,
    ...('residual' in op && op.residual >= 0 && { residual: op.residual + first * op.residualStride }),
  };
  if (axis === 'rows') {
    const padTop = 'padTop' in op ? op.padTop - from * op.strideY : 0;
    return { ...op, ...moved, outputHeight: count, padTop } as Op;
  }
  const reads = {
    input: op.input + first * op.inputStride,
    ...('other' in op && !('broadcast' in op && op.broadcast === 1) && { other: op.other + first * op.otherStride }),
  };
  return { ...op, ...moved, ...reads, inputHeight: 1, inputWidth: count, outputHeight: 1, outputWidth: count } as Op;
}

function ofChannels(op: Op, from: number, count: number, bytes: number): Readonly<Record<string, number>> {
  const cut: Record<string, number> = { outputChannels: count, output: op.output + from * bytes };
  if ('residual' in op) {
    cut.scale = op.scale + 4 * from;
    cut.bias = op.bias + 4 * from;
    if (op.slope !== 0) cut.slope = op.slope + 4 * from;
    if (op.residual >= 0) cut.residual = op.residual + from;
  }
  if (op.kind === 'conv') cut.weights = op.weights + from * convK(op);
  else if (op.kind === 'conv-first') cut.weights = op.weights + from * convFirstK(op);
  else if (op.kind === 'dense-int4') {
    const groups = Math.ceil(op.inputChannels / INT4_GROUP);
    cut.weights = op.weights + from * groups * 16;
    cut.groupScales = op.groupScales + from * groups * 2;
  } else {
    // Each channel is made from its own.
    cut.input = op.input + from;
    cut.inputChannels = count;
  }
  return cut;
}
