import type { NetworkBuilder } from './builder.ts';

/** Keras' default. */
export const EPSILON = 1e-3;

/**
 * A convolution that keeps the map's size (or divides it by `stride`), batch norm (Ioffe and Szegedy 2015), ReLU:
 * `<name>`, `<name>/norm`, `<name>/relu`.
 */
export function convNorm(
  net: NetworkBuilder,
  name: string,
  from: string,
  filters: number,
  kernel: number,
  stride = 1,
): string {
  const conv = net.conv(name, from, filters, kernel, { stride, pad: (kernel - 1) / 2, bias: false });
  return net.activation(`${name}/relu`, net.batchNorm(`${name}/norm`, conv, EPSILON), 'relu');
}
