import type { FusedGraph, Layer } from './fused-graph.ts';
import { isLargeDense } from './quantize.ts';

type Op = Layer['operation']['op'];

const MAKERS: ReadonlySet<Op> = new Set<Op>(['conv', 'dense', 'add', 'mul', 'max-pool', 'flatten']);
const READERS: ReadonlySet<Op> = new Set<Op>([...MAKERS, 'average-pool', 'global-average-pool']);

/**
 * Whether a value can be stored in 8 bits: what makes it clamps to any byte (or takes the larger of some), and all that
 * read it have a kernel for 8 bits (`program.ts`). Tables, copies, normalizations and dense layers of 4 bits have none.
 */
export function canBeWide(graph: FusedGraph, name: string): boolean {
  const maker = graph.layers.find((layer) => layer.name === name);
  const readers = graph.layers.filter(({ inputs }) => inputs.includes(name));
  return (
    maker !== undefined && MAKERS.has(maker.operation.op) && readers.every(({ operation }) => readsWide(operation))
  );
}

const readsWide = (operation: Layer['operation']): boolean =>
  READERS.has(operation.op) && !(operation.op === 'dense' && isLargeDense(operation));
