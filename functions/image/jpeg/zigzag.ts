/** Row-major index of each coefficient in the order of the file (T.81, figure A.6). */
export const NATURAL: readonly number[] = zigzag();

function zigzag(): number[] {
  const order: number[] = [];
  for (let sum = 0; sum < 15; sum++) {
    const diagonal: number[] = [];
    for (let row = Math.max(0, sum - 7); row <= Math.min(sum, 7); row++) diagonal.push(row * 8 + sum - row);
    order.push(...(sum % 2 === 0 ? diagonal.reverse() : diagonal));
  }
  return order;
}

/** Which coefficients a block of `side`² samples is made of, and where they lie in it; −1 for the rest. */
export function keptPlaces(side: number): number[] {
  return NATURAL.map((natural) => {
    const [row, column] = [natural >> 3, natural & 7];
    return row < side && column < side ? row * side + column : -1;
  });
}
