import type { ModelInput } from '../catalogue/manifest.ts';

/** A decoded, upright picture as the model gets it, for the eye. */
export function seenBy(bitmap: ImageBitmap, { width, height }: ModelInput): ImageData {
  const context = new OffscreenCanvas(width, height).getContext('2d');
  if (!context) throw new Error('no 2d context');
  context.drawImage(bitmap, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}
