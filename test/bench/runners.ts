import { readFileSync } from 'node:fs';
import path from 'node:path';
import { decodeProgram } from '../../functions/runtime/int8/encoding.ts';
import { Engine } from '../../functions/runtime/int8/engine.ts';
import { startBackend } from '../../functions/runtime/tfjs/backend.ts';
import { type BenchModel, floatNetwork, integerNetwork } from './bench-model.ts';
import { tfjsNetwork } from './tfjs-network.ts';

/** A loaded network on one engine. */
export interface Runner {
  run(): void;
  /** Bytes of WebAssembly memory that it holds. */
  memoryBytes(): number;
}

const root = path.join(import.meta.dirname, '../..');
const compiled = (file: string) => new WebAssembly.Module(readFileSync(path.join(root, file)));

export const RUNNERS = {
  int8: async (model: BenchModel) => int8(model, 'relaxed'),
  'int8-baseline': async (model: BenchModel) => int8(model, 'baseline'),
  'tfjs-wasm': tfjsWasm,
} as const satisfies Record<string, (model: BenchModel) => Promise<Runner>>;
export type RunnerName = keyof typeof RUNNERS;

function int8(model: BenchModel, build: 'relaxed' | 'baseline'): Runner {
  const { program, weights } = integerNetwork(model);
  const engine = new Engine(compiled(`functions/runtime/int8/build/${build}.wasm`), decodeProgram(program));
  engine.weights.set(weights);
  for (let i = 0; i < engine.input.length; i++) engine.input[i] = (i * 131) % 256;
  return { run: () => engine.run(), memoryBytes: () => engine.bytes };
}

async function tfjsWasm(model: BenchModel): Promise<Runner> {
  const memories = watchMemories();
  await startBackend(compiled('node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm'));
  const fused = await floatNetwork(model);
  const network = tfjsNetwork(fused);
  const size = fused.input.shape.reduce((a, b) => a * b);
  const input = Float32Array.from({ length: size }, (_, i) => ((i * 131) % 256) / 128 - 1);
  return {
    run: () => {
      network(input);
    },
    memoryBytes: () => memories.reduce((sum, memory) => sum + memory.buffer.byteLength, 0),
  };
}

/** The memories of all instances made from now on: engines keep them to themselves. */
function watchMemories(): WebAssembly.Memory[] {
  const memories: WebAssembly.Memory[] = [];
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = (async (module: WebAssembly.Module, imports: WebAssembly.Imports) => {
    const instance = await instantiate(module, imports);
    for (const value of Object.values(instance.exports)) if (value instanceof WebAssembly.Memory) memories.push(value);
    return instance;
  }) as typeof WebAssembly.instantiate;
  return memories;
}
