/** What runners read of a network (`prepare.ts` writes them). */
export const NETWORK_FILES = [
  'program.bin',
  'weights.bin',
  'float.json',
  'float.bin',
  'f32.onnx',
  'int8.onnx',
] as const;
export type NetworkFile = (typeof NETWORK_FILES)[number];

export const RUNNERS = {
  int8: ['program.bin', 'weights.bin'],
  'int8-baseline': ['program.bin', 'weights.bin'],
  'tfjs-wasm': ['float.json', 'float.bin'],
  'ort-web-f32': ['f32.onnx'],
  'ort-web-int8': ['int8.onnx'],
  'ort-node-f32': ['f32.onnx'],
  'ort-node-int8': ['int8.onnx'],
} as const satisfies Readonly<Record<string, readonly NetworkFile[]>>;
export type RunnerName = keyof typeof RUNNERS;

/** How many threads, and what they share: an image, or only the weights. */
export interface Parallel {
  readonly threads: number;
  readonly mode: 'latency' | 'throughput';
}
export const ONE_THREAD: Parallel = { threads: 1, mode: 'latency' };

export type ReadFile = (name: NetworkFile) => Promise<Uint8Array<ArrayBuffer>>;

/** A network loaded on one engine. */
export interface Runner {
  /** From input to scores. */
  run(): void | Promise<void>;
  /** Bytes of WebAssembly memory that the engine holds. */
  memoryBytes(): number;
}

/** The same made-up picture for all: pixel values 0…255. */
export const pixel = (index: number): number => (index * 131) % 256;
