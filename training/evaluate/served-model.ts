import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Catalogue, type Entry } from '../../functions/catalogue/catalogue.ts';
import { loadClassifier, type RuntimeModules } from '../../functions/catalogue/load.ts';
import { fileAssets } from '../../functions/file-assets.ts';
import type { Classifier } from '../../functions/runtime/classifier.ts';

const root = path.join(import.meta.dirname, '../..');

/** The modules that the Worker imports, compiled when first asked for: a TF.js model needs no kernels to be built. */
export const runtimeModules: RuntimeModules = {
  get tfjs() {
    return compile('node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm');
  },
  int8: {
    get baseline() {
      return compile('functions/runtime/int8/build/baseline.wasm');
    },
    get relaxed() {
      // Node 20 has relaxed SIMD behind a flag.
      setFlagsFromString('--experimental-wasm-relaxed-simd');
      return compile('functions/runtime/int8/build/relaxed.wasm');
    },
  },
};

const compile = (file: string) => new WebAssembly.Module(readFileSync(path.join(root, file)));

/**
 * A model folder, loaded by the code that loads it at the edge, so that its figures are the service's.
 * @param folder its name is the model's id
 * @throws ServiceError `model-unknown` or `model-broken`, naming the file
 */
export async function loadServedModel(folder: string): Promise<Entry & { readonly classifier: Classifier }> {
  const assets = fileAssets(path.dirname(path.resolve(folder)));
  const entry = await new Catalogue(assets).get(path.basename(path.resolve(folder)));
  return { ...entry, classifier: await loadClassifier(assets, entry.manifest, runtimeModules) };
}
