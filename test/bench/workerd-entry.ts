/** The Worker of `workerd.ts`: `/load` makes one runner, `/run?n=3` runs it. Time is told from outside; here it stands still. */
import tfjsModule from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
import * as tf from '@tensorflow/tfjs-core';
import baseline from '../../functions/runtime/int8/build/baseline.wasm';
import relaxed from '../../functions/runtime/int8/build/relaxed.wasm';
import { decodeProgram } from '../../functions/runtime/int8/encoding.ts';
import { Engine } from '../../functions/runtime/int8/engine.ts';
import { startBackend } from '../../functions/runtime/tfjs/backend.ts';
import { unpackNetwork } from './network-file.ts';
import { tfjsNetwork } from './tfjs-network.ts';

interface Env {
  readonly FILES: { fetch(address: string): Promise<Response> };
  readonly RUNNER: string;
}

let run: () => void;
let memoryBytes: () => number;

export default {
  async fetch(request: Request, { FILES, RUNNER }: Env): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const file = async (name: string) => (await FILES.fetch(`https://files/${name}`)).arrayBuffer();
    if (pathname === '/run') {
      for (let n = Number(searchParams.get('n')); n > 0; n--) run();
      return new Response('done');
    }
    if (RUNNER === 'tfjs-wasm') {
      await startBackend(tfjsModule);
      const fused = unpackNetwork(
        new TextDecoder().decode(await file('json')),
        new Float32Array(await file('numbers')),
      );
      const network = tfjsNetwork(fused);
      const input = new Float32Array(fused.input.shape.reduce((a, b) => a * b)).fill(0.5);
      run = () => network(input);
      memoryBytes = () => tf.memory().numBytes;
    } else {
      const engine = new Engine(
        RUNNER === 'int8' ? relaxed : baseline,
        decodeProgram(new Uint8Array(await file('program'))),
      );
      engine.weights.set(new Uint8Array(await file('weights')));
      run = () => engine.run();
      memoryBytes = () => engine.bytes;
    }
    run();
    return Response.json({ memoryBytes: memoryBytes() });
  },
};
