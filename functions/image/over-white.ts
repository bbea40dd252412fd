/** Rounded division by 255, exact for all products of two bytes. */
export function overWhite(value: number, opacity: number): number {
  const sum = value * opacity + 255 * (255 - opacity) + 128;
  return (sum + (sum >> 8)) >> 8;
}

/** A row of RGBA, its alpha not multiplied in, laid over white: `rgb` is filled. */
export function rowOverWhite(rgba: Uint8Array, from: number, rgb: Uint8Array): void {
  for (let to = 0, at = from; to < rgb.length; to += 3, at += 4) {
    const opacity = rgba[at + 3] as number;
    for (let c = 0; c < 3; c++) {
      const value = rgba[at + c] as number;
      rgb[to + c] = opacity === 255 ? value : overWhite(value, opacity);
    }
  }
}
