import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import type { RuntimeModules } from './catalogue/load.ts';
import { type Build, hasRelaxedSimd } from './runtime/int8/kernels.ts';

const root = path.join(import.meta.dirname, '..');
const compile = (file: string) => new WebAssembly.Module(readFileSync(path.join(root, file)));

function compileRelaxed(file: string): WebAssembly.Module {
  // Node 20 has relaxed SIMD behind a flag; later ones do not know it.
  if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');
  return compile(file);
}

/** For Node, the modules that the Worker imports, compiled when first asked for: a TF.js model needs no kernels to be built. */
export const fileModules: RuntimeModules = {
  get tfjs() {
    return compile('node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm');
  },
  int8: {
    get baseline() {
      return compile('functions/runtime/int8/build/baseline.wasm');
    },
    get relaxed() {
      return compileRelaxed('functions/runtime/int8/build/relaxed.wasm');
    },
    get fused() {
      return compileRelaxed('functions/runtime/int8/build/fused.wasm');
    },
  },
};

/** The same build of the kernels, for a memory that threads share. */
export const sharedKernels = (build: Build): WebAssembly.Module =>
  compileRelaxed(`functions/runtime/int8/build/${build}-shared.wasm`);
