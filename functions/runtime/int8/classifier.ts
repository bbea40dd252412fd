import type { Classifier } from '../classifier.ts';
import { decodeProgram } from './encoding.ts';
import { Engine } from './engine.ts';
import { chooseKernels, type KernelModules } from './kernels.ts';

export interface Int8Model {
  readonly modules: KernelModules;
  /** As `encodeProgram` writes it. */
  readonly program: Uint8Array;
  /** Bytes of all weight files together: compared with the program before any memory is taken. */
  readonly weightsBytes: number;
  /** Writes the weights, all files in order, straight to where they stay: `target` is `weightsBytes` of the memory. */
  readonly fill: (target: Uint8Array<ArrayBuffer>) => Promise<void>;
}

/**
 * A compiled network as a {@link Classifier} that gives logits.
 * @throws Error saying what is wrong with the program or its weights; what `fill` throws
 */
export async function loadInt8Classifier({
  modules,
  program: bytes,
  weightsBytes,
  fill,
}: Int8Model): Promise<Classifier> {
  const program = decodeProgram(bytes);
  if (weightsBytes !== program.weightsBytes) {
    throw new Error(`needs ${program.weightsBytes} bytes of weights, and there are ${weightsBytes}`);
  }
  let engine: Engine | undefined = new Engine(chooseKernels(modules), program);
  await fill(engine.weights);
  return {
    bytes: engine.bytes,
    async classify(pixels, batch) {
      if (!engine) throw new Error('the classifier has been disposed of');
      const size = engine.input.length;
      if (pixels.length !== batch * size) {
        throw new Error(`${batch} images of ${size} bytes are expected, not ${pixels.length} bytes`);
      }
      const scores = new Float32Array(batch * engine.output.length);
      for (let image = 0; image < batch; image++) {
        engine.input.set(pixels.subarray(image * size, (image + 1) * size));
        engine.run();
        scores.set(engine.output, image * engine.output.length);
      }
      return scores;
    },
    dispose() {
      engine = undefined;
    },
  };
}
