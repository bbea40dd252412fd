import type { Advice } from '../routes/models.ts';

/** Where nothing is visible the service sees this too. */
const BACKGROUND = 'white';

/**
 * A photo as a model's advice wants it (`upload` of `GET /models/{id}`): upright, its longest edge shrunk, encoded again
 * without what cameras write beside it. What is small enough already is left as it is, and so is what this browser
 * cannot read: the service says what it thinks of it.
 * @param advice null where nothing was measured, or a null edge in it: the file is sent as it is
 */
export async function prepare(file: Blob, advice: Advice | null): Promise<Blob> {
  const edge = advice?.longest_edge;
  if (!advice || !edge) return file;
  const picture = await createImageBitmap(file, { imageOrientation: 'from-image' }).catch(() => undefined);
  if (!picture) return file;
  try {
    const scale = edge / Math.max(picture.width, picture.height);
    if (scale >= 1 && file.size <= advice.max_bytes) return file;
    const size = (side: number) => Math.max(1, Math.round(side * Math.min(1, scale)));
    const small = shrink(picture, size(picture.width), size(picture.height));
    const made = await encode(small, advice.formats[0] ?? 'image/jpeg', advice.quality);
    return scale >= 1 && made.size >= file.size ? file : made;
  } finally {
    picture.close();
  }
}

type Canvas = OffscreenCanvas | HTMLCanvasElement;

/** By halves, since a canvas that shrinks by more looks at too few pixels and the rest flickers (aliases). */
function shrink(picture: ImageBitmap, width: number, height: number): Canvas {
  let from: CanvasImageSource = picture;
  let [w, h] = [picture.width, picture.height];
  for (;;) {
    const isLast = w <= 2 * width && h <= 2 * height;
    const [nextW, nextH] = isLast
      ? [width, height]
      : [Math.max(width, Math.ceil(w / 2)), Math.max(height, Math.ceil(h / 2))];
    const to = canvasOf(nextW, nextH);
    const context = to.getContext('2d') as CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | null;
    if (!context) throw new Error('This browser draws on no canvas.');
    context.fillStyle = BACKGROUND;
    context.fillRect(0, 0, nextW, nextH);
    context.imageSmoothingQuality = 'high';
    context.drawImage(from, 0, 0, w, h, 0, 0, nextW, nextH);
    if (isLast) return to;
    [from, w, h] = [to, nextW, nextH];
  }
}

/** In a worker there is no document, in older browsers nothing else. */
function canvasOf(width: number, height: number): Canvas {
  if (typeof OffscreenCanvas !== 'undefined') return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement('canvas'), { width, height });
}

async function encode(canvas: Canvas, type: string, quality: number): Promise<Blob> {
  if ('convertToBlob' in canvas) return canvas.convertToBlob({ type, quality });
  return new Promise((resolve, reject) => {
    const done = (blob: Blob | null) => (blob ? resolve(blob) : reject(new Error(`This browser writes no ${type}.`)));
    canvas.toBlob(done, type, quality);
  });
}
