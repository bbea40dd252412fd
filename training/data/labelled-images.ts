/** What is trained and measured on: images of one size with a class each. */
export interface LabelledImages {
  /** uint8 NHWC `[count, ...shape]`. */
  readonly images: Uint8Array;
  /** `[height, width, channels]` */
  readonly shape: readonly [height: number, width: number, channels: number];
  /** `[count]`, positions in {@link classNames}. */
  readonly labels: Uint8Array;
  readonly classNames: readonly string[];
  readonly count: number;
}

/** The `at`-th image, uint8 `[height, width, channels]`, a view. */
export function imageAt({ images, shape }: LabelledImages, at: number): Uint8Array {
  const bytes = shape[0] * shape[1] * shape[2];
  return images.subarray(at * bytes, (at + 1) * bytes);
}
