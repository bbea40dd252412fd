import { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { BackendWasmModule } from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.js';
import * as factoryModule from '@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.js';
import * as tf from '@tensorflow/tfjs-core';

/**
 * TF.js' own WASM SIMD backend, from a module that is already compiled: Workers may not compile bytes, and the
 * backend's own `init` fetches them. Its Emscripten factory takes `instantiateWasm` instead; the rest is what
 * `init` does after it (tfjs-backend-wasm 4.22, src/backend_wasm.ts).
 */

// The factory serves the plain and the SIMD binary alike; bundlers give it as default or as the namespace.
type Factory = (options: {
  instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void): object;
}) => Promise<BackendWasmModule & { cwrap(name: string, result: string | null, parameters: string[]): unknown }>;
const factory = ((factoryModule as { default?: unknown }).default ?? factoryModule) as Factory;

let ready: Promise<void> | undefined;

/** Registers and selects the backend, once per isolate. */
export function startBackend(module: WebAssembly.Module): Promise<void> {
  ready ??= start(module).catch((error: unknown) => {
    ready = undefined;
    throw error;
  });
  return ready;
}

async function start(module: WebAssembly.Module): Promise<void> {
  const wasm = await factory({
    instantiateWasm(imports, done) {
      WebAssembly.instantiate(module, imports).then(done);
      return {};
    },
  });
  wasm.tfjs = {
    init: wasm.cwrap('init', null, []),
    initWithThreadsCount: wasm.cwrap('init_with_threads_count', null, ['number']),
    getThreadsCount: wasm.cwrap('get_threads_count', 'number', []),
    registerTensor: wasm.cwrap('register_tensor', null, ['number', 'number', 'number']),
    disposeData: wasm.cwrap('dispose_data', null, ['number']),
    dispose: wasm.cwrap('dispose', null, []),
  } as BackendWasmModule['tfjs'];
  tf.removeBackend('wasm');
  tf.registerBackend('wasm', () => new BackendWasm(wasm), 2);
  if (!(await tf.setBackend('wasm'))) throw new Error('TF.js did not accept its WASM backend');
  await tf.ready();
}
