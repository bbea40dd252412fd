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
  /** Only of networks that end in global average pooling, or in a dense layer behind one. */
  readonly classActivation?: ClassActivation;
  /**
   * What the last dense layer reads of one picture: the network's description of it, float32 `[dims]`, of whatever
   * length. Only of networks that end in a dense layer behind others.
   * @param pixels of one picture, as in `classify`
   */
  readonly embed?: (pixels: Uint8Array) => Promise<Float32Array>;
  dispose(): void;
}

/**
 * Classifies one picture and says where the evidence for one class lies (Zhou et al. 2016, section 2).
 * @param pixels of one picture, as in `classify`
 * @param choose the class, by the scores
 */
export type ClassActivation = (
  pixels: Uint8Array,
  choose: (scores: Float32Array) => number,
) => Promise<{ readonly scores: Float32Array; readonly activation: ActivationMap }>;

/** The last feature map, its channels weighted as the dense layer weights them for one class. */
export interface ActivationMap {
  readonly height: number;
  readonly width: number;
  /** float32 `[height, width]`. Their mean plus `bias` is the logit of the class. */
  readonly values: Float32Array;
  readonly bias: number;
}
