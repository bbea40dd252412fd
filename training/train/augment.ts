import type { Augmentation } from '../architectures/recipe.ts';
import type { Shape } from '../graph/graph.ts';

/** The side of the images for which a shift is given in pixels. */
const SIDE = 28;
/** Of the image: area and aspect of an erased rectangle (Zhong et al. 2020, section 3.2: 0.02 to 0.4, 0.3 to 1/0.3). */
const ERASED_AREA = [0.02, 0.25] as const;
const ERASED_ASPECT = 3;

/**
 * One image as it is shown this time: mirrored, moved, partly erased.
 * @param image uint8 `[height, width, channels]`. @param to of the same size; every byte is written
 */
export function augment(
  image: Uint8Array,
  [height, width, channels]: Shape,
  { flip, shift, erase }: Augmentation,
  random: () => number,
  to: Uint8Array,
): void {
  const most = Math.round((shift * Math.min(height, width)) / SIDE);
  const anywhere = () => Math.floor(random() * (2 * most + 1)) - most;
  const mirrored = flip && random() < 0.5;
  const [down, right] = [anywhere(), anywhere()];
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [fromY, shownX] = [y - down, x - right];
      const inside = fromY >= 0 && fromY < height && shownX >= 0 && shownX < width;
      const from = (fromY * width + (mirrored ? width - 1 - shownX : shownX)) * channels;
      for (let c = 0; c < channels; c++) to[at++] = inside ? (image[from + c] ?? 0) : 0;
    }
  }
  if (random() < erase) eraseRectangle(to, [height, width, channels], random);
}

/** A rectangle of noise. */
function eraseRectangle(image: Uint8Array, [height, width, channels]: Shape, random: () => number): void {
  const area = between(ERASED_AREA[0], ERASED_AREA[1], random()) * height * width;
  const aspect = Math.exp(between(-Math.log(ERASED_ASPECT), Math.log(ERASED_ASPECT), random()));
  const rows = Math.min(height, Math.max(1, Math.round(Math.sqrt(area * aspect))));
  const columns = Math.min(width, Math.max(1, Math.round(Math.sqrt(area / aspect))));
  const top = Math.floor(random() * (height - rows + 1));
  const left = Math.floor(random() * (width - columns + 1));
  for (let y = top; y < top + rows; y++) {
    const start = (y * width + left) * channels;
    for (let at = start; at < start + columns * channels; at++) image[at] = Math.floor(random() * 256);
  }
}

const between = (low: number, high: number, share: number) => low + (high - low) * share;
