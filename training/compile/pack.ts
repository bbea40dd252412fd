import { type Op, OVERREAD_BYTES, type Program } from '../../functions/runtime/int8/program.ts';
import { elements } from '../graph/shapes.ts';
import { type Assignment, assignBuffers } from './assign-buffers.ts';
import { type Place, placeIn } from './emission.ts';
import { emitLayer } from './emit.ts';
import { type Places, planMemory, type Tenancy } from './plan-memory.ts';
import { type QuantizedGraph, valueIn } from './quantized-graph.ts';
import { NO_BLOCK, WeightsBlock } from './weights-block.ts';

export interface Packed {
  readonly program: Program;
  readonly weights: Uint8Array<ArrayBuffer>;
  /** Where each value lies in the arena when it is made. */
  readonly places: ReadonlyMap<string, Place>;
}

/**
 * Places everything in memory and writes the program.
 * @param keepAll no value is overwritten by another, so that all can be compared after a run.
 */
export function pack(graph: QuantizedGraph, keepAll = false): Packed {
  const assignment = assignBuffers(graph, keepAll);
  const scratch = scratchOf(graph, assignment);
  const plan = planMemory([...assignment.tenancies, ...scratch]);
  const places = placesOf(assignment, plan);
  const block = new WeightsBlock();
  const ops = graph.layers.flatMap((layer) => {
    return emitLayer(graph, layer, { places, block, scratch: plan.offsets.get(scratchName(layer.name)) ?? 0 });
  });
  const weights = block.bytes();
  const [height, width, channels] = valueIn(graph, graph.input).shape;
  const output = valueIn(graph, graph.output);
  return {
    program: {
      input: { height, width, channels },
      output: { offset: placeIn(places, graph.output).offset, classes: elements(output.shape) },
      arenaBytes: Math.ceil((plan.bytes + OVERREAD_BYTES) / 64) * 64,
      weightsBytes: weights.length,
      ops,
    },
    weights,
    places,
  };
}

const scratchName = (layer: string) => `${layer}:scratch`;

/** What ops need beside their tensors while they run; known once their record is written with any place. */
function scratchOf(graph: QuantizedGraph, assignment: Assignment): Tenancy[] {
  const places = new Map([...assignment.slots].map(([name, { stride }]) => [name, { offset: 0, stride }]));
  return graph.layers.flatMap((layer, index) => {
    const ops = emitLayer(graph, layer, { places, block: NO_BLOCK, scratch: 0 });
    const bytes = Math.max(0, ...ops.map(scratchBytes));
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
