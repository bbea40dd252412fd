import type { Classifier } from '../classifier.ts';
import { classActivation, pooledEnd } from './class-activation.ts';
import { embed, headOf } from './embedding.ts';
import { decodeProgram } from './encoding.ts';
import { Engine, memoryBytes, type Where } from './engine.ts';
import { chooseKernels, type KernelModules } from './kernels.ts';

export interface Int8Model {
  readonly modules: KernelModules;
  /** As `encodeProgram` writes it. */
  readonly program: Uint8Array;
  /** Bytes of all weight files together: compared with the program before any memory is taken. */
  readonly weightsBytes: number;
  /**
   * Writes the weights, all files in order, straight to where they stay: `target` gives those `weightsBytes` of the
   * memory, and is asked again after each wait, for a memory that is shared may grow and get another buffer.
   */
  readonly fill: (target: () => Uint8Array<ArrayBuffer>) => Promise<void>;
  /** Where the program goes, and stays until the classifier is disposed of; without, into a memory of its own. */
  readonly where?: Where | undefined;
}

/**
 * A compiled network as a {@link Classifier} that gives logits.
 * @throws Error saying what is wrong with the program or its weights; what `fill` throws
 */
export async function loadInt8Classifier({
  modules,
  program: encoded,
  weightsBytes,
  fill,
  where,
}: Int8Model): Promise<Classifier> {
  const program = decodeProgram(encoded);
  if (weightsBytes !== program.weightsBytes) {
    throw new Error(`needs ${program.weightsBytes} bytes of weights, and there are ${weightsBytes}`);
  }
  // Others run only what lies in the memory that is theirs too.
  const threads = where && where.memory === modules.threads?.memory ? modules.threads : undefined;
  const bytes = memoryBytes(program, threads?.threads);
  if (where && bytes > where.bytes) throw new Error(`takes ${bytes} bytes, and ${where.bytes} were planned`);
  const engine = new Engine(threads?.module ?? chooseKernels(modules), program, where, threads?.threads);
  await fill(() => engine.weights);
  let held: Engine | undefined = engine;
  const shared = threads?.load(engine);
  /** With the engine, in an arena that is nobody else's while it is used. */
  const alone = async <T>(use: () => T): Promise<T> => {
    if (!shared || !threads?.works) return use();
    return shared.alone((arena) => {
      engine.useArena(arena);
      return use();
    });
  };
  const end = pooledEnd(program);
  const head = headOf(program);
  const ready = (pixels: Uint8Array, batch: number): Engine => {
    if (!held) throw new Error('the classifier has been disposed of');
    const size = held.input.length;
    if (pixels.length === batch * size) return held;
    throw new Error(`${batch} images of ${size} bytes are expected, not ${pixels.length} bytes`);
  };
  return {
    bytes,
    async classify(pixels, batch) {
      const { input, output } = ready(pixels, batch);
      const [size, classes] = [input.length, output.length];
      const scores = new Float32Array(batch * classes);
      const write = (image: number) => engine.input.set(pixels.subarray(image * size, (image + 1) * size));
      const read = (image: number) => scores.set(engine.output, image * classes);
      const images = Array.from({ length: batch }, (_, image) => image);
      if (shared && threads?.works) {
        // One image alone is served by all threads; where there are several, each has one.
        const mode = batch === 1 && threads.idle ? 'latency' : 'throughput';
        const inArena = (use: (image: number) => void, image: number) => (arena: number) => {
          engine.useArena(arena);
          use(image);
        };
        await Promise.all(images.map((image) => shared.run(mode, inArena(write, image), inArena(read, image))));
        return scores;
      }
      for (const image of images) {
        write(image);
        engine.run();
        read(image);
      }
      return scores;
    },
    ...(end && {
      classActivation: (pixels, choose) => alone(() => classActivation(ready(pixels, 1), end, pixels, choose)),
    }),
    ...(head && { embed: (pixels) => alone(() => embed(ready(pixels, 1), head, pixels)) }),
    dispose() {
      held = undefined;
      shared?.unload();
    },
  };
}
