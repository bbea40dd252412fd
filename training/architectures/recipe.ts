/** How a network is trained unless the command line says otherwise. */
export interface Recipe {
  readonly epochs: number;
  readonly batchSize: number;
  /** The highest of the schedule: it rises over the first steps and falls to zero (`train/schedule.ts`). */
  readonly learningRate: number;
  /** Decoupled, of kernels only (Loshchilov and Hutter 2019, arXiv 1711.05101): a step takes rate · decay off. */
  readonly weightDecay: number;
  /** Share of a target that is spread over all classes (Szegedy et al. 2016, arXiv 1512.00567, section 7). */
  readonly labelSmoothing: number;
  readonly augmentation: Augmentation;
}

/** What happens to an image each time it is shown. */
export interface Augmentation {
  /** Mirrored in half of the cases. */
  readonly flip: boolean;
  /** Pixels by which it moves at most, each way; zeros come in. */
  readonly shift: number;
  /** Share of the images that get a rectangle of noise (Zhong et al. 2020, arXiv 1708.04896). */
  readonly erase: number;
  /** Height and width each become up to 1 + this times as large or as small about the middle; zeros come in. */
  readonly zoom: number;
  /** Share by which the contrast changes at most, and the brightness of each channel by half of it of the range. */
  readonly light: number;
}

/** What a photograph can go through besides and still be of the same thing. */
export const OF_PHOTOGRAPHS = { zoom: 0.12, light: 0.12 };
