import type { Augmentation } from '../architectures/recipe.ts';
import type { Shape } from '../graph/graph.ts';

/** The side of the images for which a shift is given in pixels. */
const SIDE = 28;
/** Of the image: area and aspect of an erased rectangle (Zhong et al. 2020, section 3.2: 0.02 to 0.4, 0.3 to 1/0.3). */
const ERASED_AREA = [0.02, 0.25] as const;
const ERASED_ASPECT = 3;

/**
 * One image as it is shown this time: mirrored, moved, zoomed, in another light, partly erased.
 * @param image uint8 `[height, width, channels]`. @param to of the same size; every byte is written
 */
export function augment(
  image: Uint8Array,
  [height, width, channels]: Shape,
  { flip, shift, erase, zoom, light }: Augmentation,
  random: () => number,
  to: Uint8Array,
): void {
  const most = Math.round((shift * Math.min(height, width)) / SIDE);
  const anywhere = () => Math.floor(random() * (2 * most + 1)) - most;
  const mirrored = flip && random() < 0.5;
  const [down, right] = [anywhere(), anywhere()];
  if (zoom > 0) image = zoomed(image, [height, width, channels], zoom, random);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [fromY, shownX] = [y - down, x - right];
      const inside = fromY >= 0 && fromY < height && shownX >= 0 && shownX < width;
      const from = (fromY * width + (mirrored ? width - 1 - shownX : shownX)) * channels;
      for (let c = 0; c < channels; c++) to[at++] = inside ? (image[from + c] ?? 0) : 0;
    }
  }
  if (light > 0) relight(to, channels, light, random);
  if (random() < erase) eraseRectangle(to, [height, width, channels], random);
}

/** Height and width scaled about the middle, each by its own factor; bilinear between the four nearest pixels. */
function zoomed(image: Uint8Array, [height, width, channels]: Shape, zoom: number, random: () => number): Uint8Array {
  const factor = () => Math.exp(between(-1, 1, random()) * Math.log(1 + zoom));
  const [tall, wide] = [factor(), factor()];
  const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
  const to = new Uint8Array(image.length);
  for (let y = 0; y < height; y++) {
    const fromY = middleY + (y - middleY) / tall;
    if (fromY < 0 || fromY > height - 1) continue;
    const [top, down] = [Math.floor(fromY), fromY % 1];
    const bottom = Math.min(top + 1, height - 1);
    for (let x = 0; x < width; x++) {
      const fromX = middleX + (x - middleX) / wide;
      if (fromX < 0 || fromX > width - 1) continue;
      const [left, aside] = [Math.floor(fromX), fromX % 1];
      const right = Math.min(left + 1, width - 1);
      for (let c = 0; c < channels; c++) {
        const of = (row: number, column: number) => image[(row * width + column) * channels + c] ?? 0;
        const above = between(of(top, left), of(top, right), aside);
        const below = between(of(bottom, left), of(bottom, right), aside);
        to[(y * width + x) * channels + c] = Math.round(between(above, below, down));
      }
    }
  }
  return to;
}

/** More or less contrast, and each channel brighter or darker. */
function relight(image: Uint8Array, channels: number, light: number, random: () => number): void {
  const contrast = between(1 - light, 1 + light, random());
  const added = Array.from({ length: channels }, () => between(-light, light, random()) * 127.5);
  for (let at = 0; at < image.length; at++) {
    const value = ((image[at] ?? 0) - 127.5) * contrast + 127.5 + (added[at % channels] ?? 0);
    image[at] = Math.min(255, Math.max(0, Math.round(value)));
  }
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
