import type { InferenceSession, TensorConstructor } from 'onnxruntime-node';
import { pixel, type ReadFile, type Runner } from './runner.ts';

/** What onnxruntime-web and onnxruntime-node have in common. */
export interface Onnxruntime {
  readonly InferenceSession: {
    create(model: Uint8Array, options: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: TensorConstructor;
}

/** All graph optimizations. */
export async function onnxruntimeRunner(
  { InferenceSession, Tensor }: Onnxruntime,
  provider: 'wasm' | 'cpu',
  form: 'f32' | 'int8',
  read: ReadFile,
  threads = 1,
): Promise<Omit<Runner, 'memoryBytes'>> {
  const session = await InferenceSession.create(await read(`${form}.onnx`), {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  const [metadata] = session.inputMetadata;
  if (!metadata?.isTensor) throw new Error('the network has no input');
  const dims = metadata.shape.map(Number);
  const size = dims.reduce((a, b) => a * b);
  const values = Float32Array.from({ length: size }, (_, i) => pixel(i) / 128 - 1);
  const feeds = { [metadata.name]: new Tensor('float32', values, dims) };
  return {
    async run() {
      await session.run(feeds);
    },
  };
}
