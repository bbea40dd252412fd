import { fileModules } from '../../functions/file-modules.ts';
import { Engine } from '../../functions/runtime/int8/engine.ts';
import { chooseKernels } from '../../functions/runtime/int8/kernels.ts';
import { elements } from '../graph/shapes.ts';
import { placeIn } from './emission.ts';
import { type Packed, pack } from './pack.ts';
import { type QuantizedGraph, valueIn } from './quantized-graph.ts';
import { inputOf } from './rewrite.ts';

/** A quantized network on the engine that will serve it, laid out so that every value can be looked at. */
export class IntegerRun {
  readonly packed: Packed;
  readonly engine: Engine;
  readonly graph: QuantizedGraph;

  /** @param keepAll as in {@link pack}: left out, the program is the one that is published */
  constructor(graph: QuantizedGraph, keepAll?: boolean) {
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
      const view = new DataView(arena.buffer, arena.byteOffset + offset);
      return values.map((_, index) => view.getFloat32(index * 4, true));
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

let module: WebAssembly.Module | undefined;

/** The build of the kernels that this Node runs fastest. */
function kernels(): WebAssembly.Module {
  // Once: each look at fileModules compiles anew.
  module ??= chooseKernels({ relaxed: fileModules.int8.relaxed, baseline: fileModules.int8.baseline });
  return module;
}
