import { fileModules } from '../../functions/file-modules.ts';
import { Engine } from '../../functions/runtime/int8/engine.ts';
import { chooseKernels } from '../../functions/runtime/int8/kernels.ts';
import type { Op } from '../../functions/runtime/int8/program.ts';
import { elements } from '../graph/shapes.ts';
import { placeIn } from './emission.ts';
import { biasUnit } from './epilogue.ts';
import { type Packed, pack } from './pack.ts';
import { type QuantizedGraph, type QuantizedLayer, valueIn } from './quantized-graph.ts';
import { inputOf } from './rewrite.ts';

/** A quantized network on the engine that will serve it, laid out so that every value can be looked at. */
export class IntegerRun {
  readonly packed: Packed;
  readonly engine: Engine;
  readonly graph: QuantizedGraph;

  /** @param keepAll no value is overwritten; without it the program is the one that is published */
  constructor(graph: QuantizedGraph, keepAll: boolean) {
    this.graph = graph;
    this.packed = pack(graph, keepAll);
    this.engine = new Engine(kernels(), this.packed.program);
    this.engine.weights.set(this.packed.weights);
  }

  /** @returns a copy of the output */
  run(pixels: Uint8Array): Float32Array {
    this.engine.input.set(pixels);
    this.engine.run();
    return this.engine.output.slice();
  }

  /** A value of the last run in real units, `[height, width, channels]`. */
  value(name: string): Float32Array {
    // A vector lies as the map that it is, with bytes between its pixels.
    const flatten = this.graph.layers.find((layer) => layer.name === name && layer.operation.op === 'flatten');
    if (flatten) return this.value(inputOf(flatten));
    const { shape, storage } = valueIn(this.graph, name);
    const { offset, stride } = placeIn(this.packed.places, name);
    const { arena } = this.engine;
    const values = new Float32Array(elements(shape));
    if (storage.kind === 'float') {
      return values.map((_, index) =>
        new DataView(arena.buffer, arena.byteOffset).getFloat32(offset + index * 4, true),
      );
    }
    const { scale, zero } = storage.kind === 'u7' ? storage.grid : { scale: 1, zero: 0 };
    const channels = shape[2];
    for (let pixel = 0; pixel < shape[0] * shape[1]; pixel++) {
      const from = offset + pixel * stride;
      for (let c = 0; c < channels; c++) values[pixel * channels + c] = ((arena[from + c] ?? 0) - zero) * scale;
    }
    return values;
  }
}

/** Runs all images through one layer, then all through the next: a layer may change once those before it are known. */
export class StepwiseRun {
  readonly #run: IntegerRun;
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
   * @returns the mean of its value over the images, in real units
   */
  step(layer: QuantizedLayer): Float32Array {
    const { engine, packed } = this.#run;
    const ops = [...packed.program.ops.entries()].filter(([, op]) => op.layer === layer.name);
    for (const [, op] of ops) this.#writeBias(layer, op);
    let mean: Float32Array | undefined;
    for (const arena of this.#arenas) {
      engine.arena.set(arena);
      for (const [index] of ops) engine.runOp(index);
      arena.set(engine.arena);
      const value = this.#run.value(layer.name);
      mean ??= new Float32Array(value.length);
      for (const [index, x] of value.entries()) mean[index] = (mean[index] ?? 0) + x / this.#arenas.length;
    }
    return mean ?? new Float32Array();
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

let module: WebAssembly.Module | undefined;

/** The build of the kernels that this Node runs fastest. */
function kernels(): WebAssembly.Module {
  // Once: each look at fileModules compiles anew.
  module ??= chooseKernels({ relaxed: fileModules.int8.relaxed, baseline: fileModules.int8.baseline });
  return module;
}
