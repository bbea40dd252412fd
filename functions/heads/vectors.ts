/** Embeddings as a head keeps them: whole numbers, so that the order in which pictures come changes nothing. */

/** The length that every embedding is brought to before it is added. */
const UNIT = 32_767;
const INT8 = 127;
/** Adding more than so many could leave 32 bits. */
export const MAX_IMAGES_A_CLASS = 60_000;

/** int32 `[dims]` of length 32,767, but for rounding; nothing but zeros stays so. */
export function unitOf(values: Float32Array): Int32Array {
  let sum = 0;
  for (const value of values) sum += value * value;
  const scale = sum > 0 ? UNIT / Math.sqrt(sum) : 0;
  return Int32Array.from(values, (value) => Math.round(value * scale));
}

export function added(a: Int32Array, b: Int32Array, sign: 1 | -1 = 1): Int32Array {
  return a.map((value, i) => value + sign * (b[i] ?? 0));
}

/** The same direction in int8, the largest magnitude 127. */
export function directionOf(sum: Int32Array): Int8Array {
  const most = sum.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return Int8Array.from(sum, (value) => (most > 0 ? Math.round((value * INT8) / most) : 0));
}

/** Of the angle between two vectors; 0 where one has no direction. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] as number];
    dot += x * y;
    ofA += x * x;
    ofB += y * y;
  }
  return ofA > 0 && ofB > 0 ? dot / Math.sqrt(ofA * ofB) : 0;
}

export function toBase64({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  let binary = '';
  for (const byte of new Uint8Array(buffer, byteOffset, byteLength)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

export function fromBase64(text: string): ArrayBuffer {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
}
