import { ofImages } from './blocked-channels.ts';
import type { Of, Pass } from './step.ts';

/** Of a convolution's kernel, HWIO. @param input what the layer read */
export function kernelGradient(pass: Pass, layer: Of<'conv'>, input: string, gradient: string): string {
  const { kernel, groups, filters } = layer;
  const single = kernel[0] * kernel[1] === 1;
  return pass.wholeBlocks && filters % pass.block === 0 && groups === 1 && !single
    ? ofImages(pass, layer, framed(pass, layer, input), gradient)
    : byProducts(pass, layer, input, gradient);
}

/** With the layer's padding, and without rows and columns that no window reads. */
function framed({ graph }: Pass, { kernel, strides, pads, input, output }: Of<'conv'>, value: string): string {
  const [top, left] = pads;
  const after = ([0, 1] as const).map(
    (axis) => (output[axis] - 1) * strides[axis] + kernel[axis] - input[axis] - pads[axis],
  );
  const none = [top, left, ...after].every((rows) => rows === 0);
  return none ? value : graph.add('Pad', [value, graph.ints([0, 0, top, left, 0, 0, ...after])]);
}

/** Fewer rows than this make a poor matrix product. */
const FEW_CHANNELS = 8;

/**
 * For each tap of the kernel, what that tap reads times the gradient, summed over images and positions: a product of
 * `[inputs, images · positions]` and the transposed `[filters, images · positions]`.
 */
function byProducts(pass: Pass, layer: Of<'conv'>, input: string, gradient: string): string {
  const { graph } = pass;
  const { kernel, strides, groups, output, filters } = layer;
  const inner = layer.input[2] / groups;
  const channelsFirst = graph.transpose(framed(pass, layer, input), 1, 0, 2, 3);
  const read = (y: number, x: number): string => {
    const ends = [y + (output[0] - 1) * strides[0] + 1, x + (output[1] - 1) * strides[1] + 1];
    const taken = [channelsFirst, graph.ints([y, x]), graph.ints(ends), graph.ints([2, 3]), graph.ints(strides)];
    return graph.reshape(graph.add('Slice', taken), groups, inner, -1);
  };
  const taps = Array.from({ length: kernel[0] * kernel[1] }, (_, tap) =>
    read(Math.floor(tap / kernel[1]), tap % kernel[1]),
  );
  const gradients = graph.reshape(graph.transpose(gradient, 1, 0, 2, 3), groups, filters / groups, -1);
  const times = (values: string) => graph.matMul(values, gradients, { transposed: true });
  const products = inner < FEW_CHANNELS ? [times(joined(taps))] : taps.map(times);
  // [groups, taps · inner, filters / groups], or a part for each tap
  const product = joined(products);
  const filtersLast = groups === 1 ? product : graph.transpose(product, 1, 0, 2);
  return graph.reshape(filtersLast, ...kernel, inner, filters);

  function joined(parts: readonly string[]): string {
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : graph.add('Concat', parts, { axis: 1 });
  }
}
