import { GraphError } from '../graph/graph.ts';
import { elements } from '../graph/shapes.ts';
import { bandRows, type Join, type Joins } from './join-pools.ts';
import type { Tenancy } from './plan-memory.ts';
import { ownStride, type QuantizedGraph, type QuantizedLayer, readBy, type Value, valueIn } from './quantized-graph.ts';

/** Where a value lies within the buffer of another (or its own). */
export interface Slot {
  readonly buffer: string;
  /** Bytes from the start of the buffer. */
  readonly at: number;
  /** Bytes from one pixel to the next. */
  readonly stride: number;
}

export interface Assignment {
  readonly slots: ReadonlyMap<string, Slot>;
  /** One a buffer, alive from the first layer that writes to the last that reads any of its values. */
  readonly tenancies: readonly Tenancy[];
}

/** Slices of a concatenation begin at multiples of this many channels, or kernels would overwrite their neighbours. */
const SLICE = 8;

/**
 * Which values share a buffer: a vector is the map it was laid out from, parts of a concatenation are written where
 * they belong, and a layer that reads each byte just before it writes it works in place.
 * @param keepAll every value has its own place to the end, so that all can be read after a run.
 * @param joins convolutions that are made while their pool is, a band at a time
 */
export function assignBuffers(graph: QuantizedGraph, keepAll = false, joins: Joins = new Map()): Assignment {
  const slots = new Map<string, Slot>();
  for (const [name, value] of graph.values) slots.set(name, { buffer: name, at: 0, stride: strideOf(value) });
  // From the end, so that a concatenation of concatenations knows its own place first.
  for (const layer of graph.layers.toReversed()) if (layer.operation.op === 'concat') placeParts(graph, layer, slots);
  for (const layer of graph.layers) if (layer.operation.op === 'flatten') layOut(graph, layer, slots);
  const lives = livesOf(graph, slots, keepAll, joins);
  if (!keepAll) {
    for (const [index, layer] of graph.layers.entries()) workInPlace(graph, layer, index, slots, lives);
  }
  const tenancies = [...lives].map(([name, life]): Tenancy => {
    const fixed = name === graph.input ? { fixed: 0 } : {};
    return { name, bytes: bytesOf(bandOf(valueIn(graph, name), joins.get(name), name)), ...life, ...fixed };
  });
  return { slots, tenancies };
}

function placeParts(graph: QuantizedGraph, concat: QuantizedLayer, slots: Map<string, Slot>): void {
  const whole = slotIn(slots, concat.name);
  let channel = 0;
  for (const [index, name] of concat.inputs.entries()) {
    const [, , channels] = valueIn(graph, name).shape;
    const last = index === concat.inputs.length - 1;
    const aligned = channel % SLICE === 0 && (channels % SLICE === 0 || last);
    const free = slotIn(slots, name).buffer === name && !graph.layers.some((layer) => isFlattenOf(layer, name));
    const made = graph.layers.find((layer) => layer.name === name)?.operation.op;
    if (aligned && free && made !== 'flatten') {
      const slot = { buffer: whole.buffer, at: whole.at + channel, stride: whole.stride };
      for (const [member, old] of slots) {
        if (old.buffer === name) slots.set(member, { buffer: slot.buffer, at: slot.at + old.at, stride: slot.stride });
      }
    }
    channel += channels;
  }
}

function layOut(graph: QuantizedGraph, layer: QuantizedLayer, slots: Map<string, Slot>): void {
  const source = valueIn(graph, layer.inputs[0]).shape;
  const slot = slotIn(slots, layer.inputs[0] ?? '');
  const dense = source[2] % SLICE === 0 || source[0] * source[1] === 1;
  for (const reader of graph.layers) {
    const reads = reader.inputs.includes(layer.name) || reader.residual === layer.name;
    const isDense = reader.operation.op === 'conv' || reader.operation.op === 'dense-int4';
    if (reads && !dense && (!isDense || reader.residual === layer.name)) {
      throw new GraphError(
        `"${layer.name}" lays out ${source[2]} channels as a vector for "${reader.name}" (${reader.operation.op}); ` +
          'only dense layers can read one whose channels are no multiple of 8.',
      );
    }
  }
  slots.set(layer.name, { ...slot, stride: source[0] * source[1] * slot.stride });
}

interface Life {
  first: number;
  last: number;
}

/** By buffer, from the first write to the last read. The input is there before, the output after all layers. */
function livesOf(
  graph: QuantizedGraph,
  slots: ReadonlyMap<string, Slot>,
  keepAll: boolean,
  joins: Joins,
): Map<string, Life> {
  const lives = new Map<string, Life>();
  const end = graph.layers.length - 1;
  const touch = (name: string, index: number) => {
    const { buffer } = slotIn(slots, name);
    const life = lives.get(buffer) ?? { first: index, last: index };
    life.first = Math.min(life.first, index);
    life.last = Math.max(life.last, index);
    lives.set(buffer, life);
  };
  touch(graph.input, 0);
  for (const layer of graph.layers) {
    const index = runsAt(graph, layer, joins);
    touch(layer.name, index);
    for (const name of readBy(layer)) touch(name, index);
  }
  touch(graph.output, end);
  if (keepAll) for (const life of lives.values()) Object.assign(life, { first: 0, last: end });
  return lives;
}

/** The place of a layer in the order of the ops: a joined convolution runs with its pool. */
export function runsAt(graph: QuantizedGraph, layer: QuantizedLayer, joins: Joins): number {
  return graph.layers.indexOf(joins.get(layer.name)?.pool ?? layer);
}

function bandOf(value: Value, join: Join | undefined, name: string): Value {
  if (join?.conv.name !== name) return value;
  const [height, width, channels] = value.shape;
  return { ...value, shape: [Math.min(bandRows(join), height), width, channels] };
}

/** Gives a layer's output the buffer of an input that nobody reads later, where reading and writing go in step. */
function workInPlace(
  graph: QuantizedGraph,
  layer: QuantizedLayer,
  index: number,
  slots: Map<string, Slot>,
  lives: Map<string, Life>,
): void {
  const { op } = layer.operation;
  const own = slotIn(slots, layer.name);
  const output = valueIn(graph, layer.name);
  if (own.buffer !== layer.name || output.storage.kind !== 'u7') return;
  const candidates =
    op === 'lookup' || op === 'add' || op === 'mul' ? layer.inputs : layer.residual === null ? [] : [layer.residual];
  const windowed = layer.residual === null ? [] : layer.inputs.map((name) => slotIn(slots, name).buffer);
  const taken = candidates.find((name) => {
    const slot = slotIn(slots, name);
    const value = valueIn(graph, slot.buffer);
    const dies = lives.get(slot.buffer)?.last === index;
    const fits = slot.at === 0 && slot.stride === own.stride && bytesOf(value) === bytesOf(output);
    return dies && fits && value.storage.kind === 'u7' && !windowed.includes(slot.buffer);
  });
  const life = lives.get(layer.name);
  const host = taken === undefined ? undefined : slotIn(slots, taken).buffer;
  const hostLife = lives.get(host ?? '');
  if (host === undefined || !life || !hostLife) return;
  hostLife.last = life.last;
  lives.delete(layer.name);
  for (const [name, slot] of slots) if (slot.buffer === layer.name) slots.set(name, { ...slot, buffer: host });
}

export function slotIn(slots: ReadonlyMap<string, Slot>, name: string): Slot {
  const slot = slots.get(name);
  if (!slot) throw new Error(`no slot for "${name}"`);
  return slot;
}

function strideOf({ shape, storage }: Value): number {
  return storage.kind === 'u7' ? ownStride(shape) : shape[2];
}

function bytesOf({ shape, storage }: Value): number {
  if (storage.kind === 'u7') return shape[0] * shape[1] * ownStride(shape);
  return storage.kind === 'pixels' ? elements(shape) : 4 * elements(shape);
}

const isFlattenOf = (layer: QuantizedLayer, name: string): boolean =>
  layer.operation.op === 'flatten' && layer.inputs.includes(name);
