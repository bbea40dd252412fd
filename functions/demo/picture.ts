/** What the visitor gave. */
export interface Picture {
  readonly blob: Blob;
  /** File name, as the curl line needs it. */
  readonly name: string;
  /** Where this service itself has it: a sample. */
  readonly path?: string;
}

const SHRUNK_SIDE = 1024;

/** A copy for a picture that the service finds too large. @throws where the browser cannot read the picture either */
export async function shrink(picture: Picture): Promise<Picture> {
  const bitmap = await createImageBitmap(picture.blob);
  const scale = Math.min(1, SHRUNK_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = new OffscreenCanvas(
    Math.max(1, Math.round(bitmap.width * scale)),
    Math.max(1, Math.round(bitmap.height * scale)),
  );
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no 2d context');
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.92 });
  return { blob, name: `${picture.name.replace(/\.[^.]*$/, '')}-${SHRUNK_SIDE}.jpg` };
}
