import type { Op } from '../../functions/runtime/int8/program.ts';
import { elements } from '../graph/shapes.ts';
import { placeIn } from './emission.ts';
import { biasUnit } from './epilogue.ts';
import { IntegerRun } from './integer-run.ts';
import { type QuantizedGraph, type QuantizedLayer, readBy, valueIn } from './quantized-graph.ts';
import { inputOf } from './rewrite.ts';

/** Runs all images through one layer, then all through the next: a layer may change once those before it are known. */
export class StepwiseRun {
  readonly #run: IntegerRun;
  /** One an image: what the engine's arena would hold, had it run this image alone. */
  readonly #arenas: readonly Uint8Array[];

  constructor(graph: QuantizedGraph, images: readonly Uint8Array[]) {
    this.#run = new IntegerRun(graph, false);
    const { arena, input } = this.#run.engine;
    this.#arenas = images.map((pixels) => {
      input.set(pixels);
      return arena.slice();
    });
  }

  /**
   * The next layer, with another bias than the graph's perhaps.
   * @returns the mean of its value over the images, in real units; nothing of use for the network's float output
   */
  step(layer: QuantizedLayer): Float32Array {
    const { engine, packed, graph } = this.#run;
    const ops = [...packed.program.ops.entries()].filter(([, op]) => op.layer === layer.name);
    for (const [, op] of ops) this.#writeBias(layer, op);
    const touched = [...readBy(layer), layer.name].map((name) => this.#bytesOf(name));
    const sums = new Float64Array(elements(valueIn(graph, layer.name).shape));
    for (const arena of this.#arenas) {
      for (const [from, to] of touched) engine.arena.set(arena.subarray(from, to), from);
      for (const [index] of ops) engine.runOp(index);
      for (const [from, to] of touched) arena.set(engine.arena.subarray(from, to), from);
      this.#addBytes(layer.name, sums);
    }
    const { storage } = valueIn(graph, layer.name);
    const { scale, zero } = storage.kind === 'u7' ? storage.grid : { scale: 1, zero: 0 };
    return Float32Array.from(sums, (sum) => (sum / this.#arenas.length - zero) * scale);
  }

  /** Adds the bytes of a value as it stands; a float one has none that anything reads. */
  #addBytes(name: string, sums: Float64Array): void {
    const { graph, engine, packed } = this.#run;
    const flatten = graph.layers.find((layer) => layer.name === name && layer.operation.op === 'flatten');
    const source = flatten ? inputOf(flatten) : name;
    const { shape, storage } = valueIn(graph, source);
    if (storage.kind === 'float') return;
    const { offset, stride } = placeIn(packed.places, source);
    const { arena } = engine;
    const [height, width, channels] = shape;
    for (let pixel = 0; pixel < height * width; pixel++) {
      const [from, to] = [offset + pixel * stride, pixel * channels];
      for (let c = 0; c < channels; c++) sums[to + c] = (sums[to + c] ?? 0) + (arena[from + c] ?? 0);
    }
  }

  /** Where a value lies in the arena; in a concatenation with its neighbours. */
  #bytesOf(name: string): readonly [from: number, to: number] {
    const { shape, storage } = valueIn(this.#run.graph, name);
    const { offset, stride } = placeIn(this.#run.packed.places, name);
    return [offset, offset + shape[0] * shape[1] * stride * (storage.kind === 'float' ? 4 : 1)];
  }

  #writeBias(layer: QuantizedLayer, op: Op): void {
    const before = this.#run.graph.layers.find(({ name }) => name === layer.name);
    if (!before || !('bias' in layer.operation) || !('bias' in before.operation) || !('residual' in op)) return;
    const [old, fresh, unit] = [before.operation.bias, layer.operation.bias, biasUnit(this.#run.graph, layer)];
    const { weights } = this.#run.engine;
    const stored = new Float32Array(weights.buffer, weights.byteOffset + op.bias, fresh.length);
    for (const [c, value] of fresh.entries()) stored[c] = (stored[c] ?? 0) + (value - (old[c] ?? 0)) / unit;
  }
}
