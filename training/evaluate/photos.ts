import sharp, { type Sharp } from 'sharp';

/** Longest edge of a photo of 12 megapixels. */
export const PHOTO_EDGE = 4032;
/** As phones save them. */
const PHOTO_QUALITY = 92;
/** Room around a garment as a shop shows it, in parts of the picture. */
const MARGIN = 0.25;

/** A photo, upright, and its file. */
export interface Photo {
  readonly file: Uint8Array;
  readonly longestEdge: number;
  readonly enlarged: boolean;
  /** What a browser would make of it. @returns the file, of a quality from 0 to 1 */
  shrunk(longestEdge: number): Promise<(quality: number) => Promise<Uint8Array>>;
}

/**
 * A picture as a photo of at least `PHOTO_EDGE` on its longest edge: smaller ones are enlarged, and saved as a phone does.
 * @param file any picture that sharp reads
 * @param garment whether it is one of Fashion-MNIST: then dark on white, as a shop would show it
 */
export async function photoOf(file: Uint8Array, garment: boolean): Promise<Photo> {
  const upright = sharp(garment ? await asShown(file) : file).autoOrient();
  const { data, info } = await upright.removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const raw = { width, height, channels };
  const enlarged = Math.max(width, height) < PHOTO_EDGE;
  const bytes = enlarged
    ? await jpeg(sharp(data, { raw }).resize({ ...inside(PHOTO_EDGE), kernel: 'lanczos3' }), PHOTO_QUALITY)
    : file;
  // A browser shrinks what it decoded from the file, not what the file was made of.
  const seen = await sharp(bytes).autoOrient().removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return {
    file: new Uint8Array(bytes),
    longestEdge: Math.max(seen.info.width, seen.info.height),
    enlarged,
    shrunk: async (longestEdge) => {
      const resize = { ...inside(longestEdge), kernel: 'cubic', withoutEnlargement: true } as const;
      const small = await sharp(seen.data, { raw: seen.info })
        .resize(resize)
        .raw()
        .toBuffer({ resolveWithObject: true });
      return (quality) => jpeg(sharp(small.data, { raw: small.info }), Math.round(100 * quality));
    },
  };
}

async function asShown(file: Uint8Array): Promise<Uint8Array> {
  const { data, info } = await sharp(file).removeAlpha().toBuffer({ resolveWithObject: true });
  const [x, y] = [Math.round(info.width * MARGIN), Math.round(info.height * MARGIN)];
  const framed = await sharp(data).extend({ top: y, bottom: y, left: x, right: x, background: 'black' }).toBuffer();
  return new Uint8Array(await sharp(framed).negate().png().toBuffer());
}

const inside = (edge: number) => ({ width: edge, height: edge, fit: 'inside' }) as const;

/** As a canvas encodes: 4:2:0, the usual Huffman tables. */
const jpeg = async (picture: Sharp, quality: number) =>
  new Uint8Array(await picture.jpeg({ quality, chromaSubsampling: '4:2:0' }).toBuffer());
