/** Standard deviations that hold 95 % of a normal distribution. */
const Z = 1.959963984540054;

/** Of a share counted on `n`: Wilson's score interval, 95 % (Wilson 1927; it stays within 0…1 for few images). */
export function interval95(share: number, n: number): readonly [low: number, high: number] {
  if (n === 0) return [0, 1];
  const middle = share + (Z * Z) / (2 * n);
  const spread = Z * Math.sqrt((share * (1 - share)) / n + (Z * Z) / (4 * n * n));
  const scale = 1 + (Z * Z) / n;
  return [Math.max(0, (middle - spread) / scale), Math.min(1, (middle + spread) / scale)];
}
