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
  /** Only of networks that end in a dense layer behind others. */
  readonly embed?: Embed;
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

/**
 * Classifies one picture and says what the last dense layer reads of it: the network's own description.
 * @param pixels of one picture, as in `classify`
 */
export type Embed = (pixels: Uint8Array) => Promise<Embedding>;

export interface Embedding {
  /** float32 `[dims]`, of whatever length. */
  readonly values: Float32Array;
  /** As `classify` gives them. */
  readonly scores: Float32Array;
}

/** The last feature map, its channels weighted as the dense layer weights them for one class. */
export interface ActivationMap {
  readonly height: number;
  readonly width: number;
  /** float32 `[height, width]`. Their mean plus `bias` is the logit of the class. */
  readonly values: Float32Array;
  readonly bias: number;
}
