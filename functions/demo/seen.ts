import type { ModelInput } from '../catalogue/manifest.ts';
import { preprocessRaster } from '../image/preprocess.ts';
import type { Raster } from '../image/rows.ts';

/** Where red, green and blue lie within one pixel of the tensor. */
const PLACES: Readonly<Record<ModelInput['channels'], readonly [red: number, green: number, blue: number]>> = {
  grey: [0, 0, 0],
  rgb: [0, 1, 2],
  bgr: [2, 1, 0],
};

/** What the model gets of a picture, by the service's own preparation, as a picture again. */
export function seenBy(bitmap: ImageBitmap, input: ModelInput): ImageData {
  const tensor = preprocessRaster(rasterOf(bitmap), input);
  const { width, height, channels } = input;
  const places = PLACES[channels];
  const pitch = channels === 'grey' ? 1 : 3;
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[i * 4 + c] = tensor[i * pitch + (places[c] ?? 0)] ?? 0;
    image.data[i * 4 + 3] = 255;
  }
  return image;
}

/** The browser's pixels, upright; what is transparent lies over white, as in the service. */
function rasterOf(bitmap: ImageBitmap): Raster {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('no 2d context');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    data[to] = rgba[from] ?? 0;
    data[to + 1] = rgba[from + 1] ?? 0;
    data[to + 2] = rgba[from + 2] ?? 0;
  }
  return { width, height, channels: 3, data };
}
