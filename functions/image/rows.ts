/** A decoded picture: `data` is uint8 `[height, width, channels]`, rows from the top; 3 channels are RGB. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** What takes a picture row by row, from the top, so that nobody need hold all of it. */
export interface RowSink {
  /** @param pixels uint8 `[width, channels]`; only valid during the call */
  row(pixels: Uint8Array): void;
}

export function rowOf(raster: Raster, y: number): Uint8Array {
  const stride = raster.width * raster.channels;
  return raster.data.subarray(y * stride, (y + 1) * stride);
}

/**
 * Luma by ITU-R BT.601 in 16-bit fixed point, rounded; equals Pillow's `convert('L')`. Grey stays itself: the
 * three weights add up to 65536.
 */
export function luma(red: number, green: number, blue: number): number {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}
