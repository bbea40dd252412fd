import module from 'onnxruntime-web/dist/ort-wasm-simd-threaded.wasm';
import * as ort from 'onnxruntime-web/wasm';
import { watchMemories } from '../memories.ts';
import { onnxruntimeRunner } from '../onnxruntime-runner.ts';
import { serve } from './serve.ts';

/** Workers may not compile bytes: an instance of the module is given for whatever bytes there are. */
export default serve(async (read, runner) => {
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = (async (_: BufferSource, imports: WebAssembly.Imports) => ({
    module,
    instance: await instantiate(module, imports),
  })) as typeof WebAssembly.instantiate;
  const memoryBytes = watchMemories();
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmBinary = new ArrayBuffer(8);
  return { ...(await onnxruntimeRunner(ort, 'wasm', runner === 'ort-web-f32' ? 'f32' : 'int8', read)), memoryBytes };
});
