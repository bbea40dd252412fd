import { type Op, OVERREAD_BYTES, type Program } from '../../functions/runtime/int8/program.ts';
import { elements } from '../graph/shapes.ts';
import { type Assignment, assignBuffers, runsAt } from './assign-buffers.ts';
import { type Place, placeIn } from './emission.ts';
import { emitLayer } from './emit.ts';
import { inBands, type Join, type Joins, joinablePools, joinsOf } from './join-pools.ts';
import { type Places, planMemory, type Tenancy } from './plan-memory.ts';
import { type QuantizedGraph, type QuantizedLayer, valueIn } from './quantized-graph.ts';
import { type CountedBlock, NO_BLOCK, WeightsBlock } from './weights-block.ts';

export interface Packed {
  readonly program: Program;
  readonly weights: Uint8Array<ArrayBuffer>;
  /** Where each value lies in the arena when it is made. */
  readonly places: ReadonlyMap<string, Place>;
}

/**
 * Places everything in memory and writes the program.
 * @param keepAll no value is overwritten by another, so that all can be compared after a run. With false each value is
 *   whole when its layer has run. Left out, as for the program that is published, pools are joined to the convolutions
 *   before them where that needs less memory, and those are never whole.
 */
export function pack(graph: QuantizedGraph, keepAll?: boolean): Packed {
  const block = new WeightsBlock();
  const placed = place(graph, block, keepAll);
  return { ...placed, weights: block.bytes() };
}

/**
 * The program and its places, as {@link pack} makes them.
 * @param block takes the weights, or counts them
 */
export function place(graph: QuantizedGraph, block: CountedBlock, keepAll?: boolean): Omit<Packed, 'weights'> {
  const { assignment, plan, joins } = layOut(graph, keepAll);
  const places = placesOf(assignment, plan);
  const emit = (layer: QuantizedLayer) =>
    emitLayer(graph, layer, { places, block, scratch: plan.offsets.get(scratchName(layer.name)) ?? 0 });
  const ops = graph.layers.flatMap((layer): readonly Op[] => {
    const join = joins.get(layer.name);
    if (!join) return emit(layer);
    if (layer === join.conv) return [];
    const [conv, pool] = [join.conv, join.pool].flatMap(emit);
    if (!conv || !pool) throw new Error(`"${layer.name}" is no pool of a convolution`);
    return inBands(conv, pool, join.rows);
  });
  const [height, width, channels] = valueIn(graph, graph.input).shape;
  const output = valueIn(graph, graph.output);
  return {
    program: {
      input: { height, width, channels },
      output: { offset: placeIn(places, graph.output).offset, classes: elements(output.shape) },
      arenaBytes: Math.ceil((plan.bytes + OVERREAD_BYTES) / 64) * 64,
      weightsBytes: block.length,
      ops,
    },
    places,
  };
}

interface Layout {
  readonly assignment: Assignment;
  readonly plan: Places;
  readonly joins: Joins;
}

function layOut(graph: QuantizedGraph, keepAll: boolean | undefined): Layout {
  const layout = (joins: Joins): Layout => {
    const assignment = assignBuffers(graph, keepAll, joins);
    const plan = planMemory([...assignment.tenancies, ...scratchOf(graph, assignment, joins)]);
    return { assignment, plan, joins };
  };
  let best = layout(joinsOf([]));
  if (keepAll !== undefined) return best;
  // Bands cost time: each has its own transformed weights. Only those are made that the fullest op needs.
  const chosen: Join[] = [];
  for (const join of joinablePools(graph)) {
    const joined = layout(joinsOf([...chosen, join]));
    if (joined.plan.bytes >= best.plan.bytes) continue;
    best = joined;
    chosen.push(join);
  }
  return best;
}

const scratchName = (layer: string) => `${layer}:scratch`;

/** What ops need beside their tensors while they run; known once their record is written with any place. */
function scratchOf(graph: QuantizedGraph, assignment: Assignment, joins: Joins): Tenancy[] {
  const places = new Map([...assignment.slots].map(([name, { stride }]) => [name, { offset: 0, stride }]));
  return graph.layers.flatMap((layer) => {
    const ops = emitLayer(graph, layer, { places, block: NO_BLOCK, scratch: 0 });
    const bytes = Math.max(0, ...ops.map(scratchBytes));
    const index = runsAt(graph, layer, joins);
    return bytes > 0 ? [{ name: scratchName(layer.name), bytes, first: index, last: index }] : [];
  });
}

const scratchBytes = (op: Op): number => ('scratchBytes' in op ? op.scratchBytes : 0);

function placesOf({ slots }: Assignment, plan: Places): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  for (const [name, { buffer, at, stride }] of slots) {
    places.set(name, { offset: (plan.offsets.get(buffer) ?? 0) + at, stride });
  }
  return places;
}
