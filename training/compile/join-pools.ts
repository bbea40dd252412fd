import type { Op } from '../../functions/runtime/int8/program.ts';
import { type QuantizedGraph, type QuantizedLayer, readBy, valueIn } from './quantized-graph.ts';

/** A convolution whose map is never whole: band by band it is made and pooled. */
export interface Join {
  readonly conv: QuantizedLayer;
  readonly pool: QuantizedLayer;
  /** Rows of the pool in a band; the last band may have fewer. */
  readonly rows: number;
}

/** Joins by the names of both layers. */
export type Joins = ReadonlyMap<string, Join>;

/** A band is about this share of the map. */
const BANDS = 16;

/**
 * Max pools that read nothing but one convolution, each row of it once, as all in VGG: of the map between them a band
 * is enough, which halves the arena of VGG16. The same kernels run on parts of the maps, so no bit changes.
 */
export function joinablePools(graph: QuantizedGraph): readonly Join[] {
  return graph.layers.flatMap((pool): Join[] => {
    const conv = graph.layers.find(({ name }) => name === pool.inputs[0]);
    if (!conv || !isJoinable(graph, conv, pool)) return [];
    const [height] = valueIn(graph, pool.name).shape;
    // Even, so that Winograd has whole tiles of four rows.
    const rows = 2 * Math.ceil(height / BANDS / 2);
    return rows < height ? [{ conv, pool, rows }] : [];
  });
}

export const joinsOf = (joins: readonly Join[]): Joins =>
  new Map(joins.flatMap((join) => [join.conv, join.pool].map(({ name }) => [name, join] as const)));

function isJoinable(graph: QuantizedGraph, conv: QuantizedLayer, { name, operation }: QuantizedLayer): boolean {
  const made = conv.operation;
  if (operation.op !== 'max-pool') return false;
  if (made.op !== 'conv' && made.op !== 'conv-first' && made.op !== 'depthwise') return false;
  const readers = graph.layers.filter((layer) => readBy(layer).includes(conv.name));
  const { kernel, strides, pads } = operation;
  const eachOnce = kernel[0] === strides[0] && pads.every((pad) => pad === 0);
  // Each row of the output sees the map: a band below it would have no input.
  const sees = made.pads[2] < made.kernel[0];
  const alone = conv.residual === null && conv.name !== graph.output && readers.every((reader) => reader.name === name);
  return eachOnce && sees && alone;
}

/** Rows of the convolution that lie in memory at a time. */
export function bandRows({ pool, rows }: Join): number {
  return 'strides' in pool.operation ? rows * (pool.operation.strides[0] ?? 1) : rows;
}

/** The two ops, written for whole maps, on one band after the other; the convolution's output is the place of a band. */
export function inBands(conv: Op, pool: Op, rows: number): Op[] {
  if (!('kernelHeight' in conv && 'kernelHeight' in pool)) throw new Error(`"${conv.layer}" has no window`);
  const dilationY = 'dilationY' in conv ? conv.dilationY : 1;
  const ops: Op[] = [];
  for (let first = 0; first < pool.outputHeight; first += rows) {
    const outputHeight = Math.min(rows, pool.outputHeight - first);
    const made = Math.min(outputHeight * pool.strideY, conv.outputHeight - first * pool.strideY);
    const top = first * pool.strideY * conv.strideY - conv.padTop;
    const from = Math.max(top, 0);
    // No more rows than it reads, so that a 1x1 convolution still is one whose rows are those of the tensor.
    const read = top + (made - 1) * conv.strideY + (conv.kernelHeight - 1) * dilationY + 1 - from;
    ops.push({
      ...conv,
      input: conv.input + from * conv.inputWidth * conv.inputStride,
      inputHeight: Math.min(read, conv.inputHeight - from),
      padTop: from - top,
      outputHeight: made,
    });
    ops.push({
      ...pool,
      inputHeight: made,
      output: pool.output + first * pool.outputWidth * pool.outputStride,
      outputHeight,
    });
  }
  return ops;
}
