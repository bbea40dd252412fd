/** Arrays by name: parameters and their gradients by `<layer>/<parameter>` (`conv1/kernel`), as in `architectures/layer.ts`. */
export type NamedArrays = ReadonlyMap<string, Float32Array>;

/** Some images as the network reads them, and what it should say of each. */
export interface Batch {
  readonly count: number;
  /** float32 NHWC `[count, height, width, channels]` */
  readonly pixels: Float32Array;
  /** `[count, classes]`, each row sums to 1: one-hot, or smoothed. */
  readonly targets: Float32Array;
}

export interface BatchGradients {
  /** Mean cross-entropy of the main output over the batch (auxiliary outputs count in the gradients only). */
  readonly loss: number;
  /** Images whose highest score stands where their highest target does. */
  readonly hits: number;
  /** Of the mean loss, for every trainable parameter. */
  readonly gradients: NamedArrays;
  /** `<layer>/moving_mean` and `<layer>/moving_variance` of this batch alone, for every batch norm. */
  readonly statistics: NamedArrays;
}

/**
 * The arithmetic of training: forward and backward through one network. What it is given is only read; optimizer,
 * weight averaging, moving statistics and data parallelism stand outside of it and are the same for every engine.
 */
export interface GradientEngine {
  /** For people: `WebGPU on NVIDIA …`, `onnxruntime, 1 thread`. */
  readonly title: string;
  /** In training mode. @param seed decides what dropout drops */
  gradients(parameters: NamedArrays, batch: Batch, seed: number): Promise<BatchGradients>;
  /** In inference mode, with the moving statistics of `parameters`. @returns softmax scores `[count, classes]` */
  scores(parameters: NamedArrays, pixels: Float32Array, count: number): Promise<Float32Array>;
  dispose(): Promise<void>;
}
