import * as tf from '@tensorflow/tfjs-core';
import type { Manifest } from '../../functions/catalogue/manifest.ts';
import type { Classifier } from '../../functions/runtime/classifier.ts';

/**
 * What a model on TF.js' WASM backend holds while it answers one image at a time, measured on a classifier that has
 * just been loaded and is the only one. `total` is the whole WebAssembly memory, weights included, of which TF.js
 * gives nothing back; activations come and go in it, so that there is no arena.
 */
export async function measureTfjsMemory(classifier: Classifier, imageBytes: number): Promise<Manifest['memory']> {
  await classifier.classify(new Uint8Array(imageBytes), 1);
  // The backend's own type leaves out what Emscripten gives every module.
  const { wasm } = tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } };
  return { weights: classifier.bytes, arena: 0, total: wasm.HEAPU8.byteLength };
}
