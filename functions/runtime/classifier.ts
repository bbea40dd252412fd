/** A loaded network: pixels in, scores out. Both runtimes give one. */
export interface Classifier {
  /** Bytes that it holds while loaded: WebAssembly memory and weights. */
  readonly bytes: number;
  /**
   * @param pixels uint8 NHWC `[batch, height, width, channels]` in the model's own channel order, not normalised:
   *   the runtime applies the manifest's scale and offset.
   * @returns float32 `[batch, classes]`, logits or softmax as the manifest's output says.
   */
  classify(pixels: Uint8Array, batch: number): Promise<Float32Array>;
  dispose(): void;
}
