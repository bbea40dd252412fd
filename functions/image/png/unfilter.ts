import { damaged } from '../errors.ts';

/**
 * Undoes one row's filter in place (PNG, section 9).
 * @param type the byte before the row
 * @param row filtered bytes, which become the real ones
 * @param above the real bytes of the row above; zeros above the first
 * @param pitch bytes from a byte to the one of the pixel left of it, at least 1
 * @param length bytes of the row; both arrays may be longer
 */
export function unfilter(type: number, row: Uint8Array, above: Uint8Array, pitch: number, length: number): void {
  switch (type) {
    case 0:
      return;
    case 1:
      for (let i = pitch; i < length; i++) row[i] = (row[i] as number) + (row[i - pitch] as number);
      return;
    case 2:
      for (let i = 0; i < length; i++) row[i] = (row[i] as number) + (above[i] as number);
      return;
    case 3:
      for (let i = 0; i < length; i++) {
        const left = i < pitch ? 0 : (row[i - pitch] as number);
        row[i] = (row[i] as number) + ((left + (above[i] as number)) >> 1);
      }
      return;
    case 4:
      for (let i = 0; i < Math.min(pitch, length); i++) row[i] = (row[i] as number) + (above[i] as number);
      for (let i = pitch; i < length; i++) {
        row[i] = (row[i] as number) + paeth(row[i - pitch] as number, above[i] as number, above[i - pitch] as number);
      }
      return;
    default:
      throw damaged(`The PNG has a row with filter ${type}, which does not exist.`);
  }
}

/** Whichever of left, above and above left is nearest to left + above - above left (section 9.4). */
function paeth(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}
