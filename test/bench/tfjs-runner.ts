import { startBackend } from '../../functions/runtime/tfjs/backend.ts';
import { watchMemories } from './memories.ts';
import { unpackNetwork } from './network-file.ts';
import { pixel, type ReadFile, type Runner } from './runner.ts';
import { tfjsNetwork } from './tfjs-network.ts';

/** @param module TF.js' SIMD build */
export async function tfjsRunner(module: WebAssembly.Module, read: ReadFile): Promise<Runner> {
  const memoryBytes = watchMemories();
  await startBackend(module);
  const json = new TextDecoder().decode(await read('float.json'));
  const fused = unpackNetwork(json, new Float32Array((await read('float.bin')).buffer));
  const network = tfjsNetwork(fused);
  const size = fused.input.shape.reduce((a, b) => a * b);
  const input = Float32Array.from({ length: size }, (_, i) => pixel(i) / 128 - 1);
  return {
    run() {
      network(input);
    },
    memoryBytes,
  };
}
