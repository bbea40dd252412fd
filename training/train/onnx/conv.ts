import { convolution } from './blocked-channels.ts';
import { channelSums, type Of, type Pass, type Step } from './step.ts';

/** `[batch, inputs, h, w]` and a kernel HWIO → `[batch, filters, h', w']`, without the layer's activation. */
export function conv(pass: Pass, layer: Of<'conv'>, input: string): Step {
  const kernel = pass.parameter(layer, 'kernel');
  const bias = layer.bias ? [pass.parameter(layer, 'bias')] : [];
  const { kernel: kernel_shape, strides, pads, groups: group, filters: outputs } = layer;
  const window = { kernel_shape, strides, pads, group, inputs: layer.input[2], outputs, turned: false };
  return {
    value: convolution(pass, input, kernel, bias, window),
    backward: (gradient) => ({
      inputs: [() => inputGradient(pass, layer, kernel, gradient)],
      parameters: {
        kernel: kernelGradient(pass, layer, input, gradient),
        ...(layer.bias ? { bias: channelSums(pass, gradient) } : {}),
      },
    }),
  };
}

/**
 * Of a layer that keeps the map's size a convolution with the kernel turned by 180° and its two kinds of channels
 * swapped: measured 15 % faster than the transposed convolution, which is faster where the output is smaller.
 */
function inputGradient(pass: Pass, layer: Of<'conv'>, kernel: string, gradient: string): string {
  const { graph } = pass;
  const { kernel: kernel_shape, strides, pads, groups: group, input, output } = layer;
  const [height, width] = kernel_shape;
  const keepsSize = input[0] === output[0] && input[1] === output[1];
  if (group === 1 && keepsSize && Math.max(...strides) === 1) {
    const around = [height - 1 - pads[0], width - 1 - pads[1], height - 1 - pads[2], width - 1 - pads[3]];
    const flipped = height * width === 1 ? kernel : flip();
    const window = { kernel_shape, strides, pads: around, group, inputs: output[2], outputs: input[2], turned: true };
    return convolution(pass, gradient, flipped, [], window);
  }
  const unread = [0, 1].map((axis) => {
    const read = ((output[axis] ?? 0) - 1) * (strides[axis] ?? 1) + (kernel_shape[axis] ?? 1);
    return (input[axis] ?? 0) + (pads[axis] ?? 0) + (pads[axis + 2] ?? 0) - read;
  });
  return graph.add('ConvTranspose', [gradient, graph.transpose(kernel, 3, 2, 0, 1)], {
    ...{ kernel_shape, strides, pads, group, output_padding: unread },
  });

  function flip(): string {
    const [starts, ends] = [graph.ints([-1, -1]), graph.ints([-height - 1, -width - 1])];
    return graph.add('Slice', [kernel, starts, ends, graph.ints([0, 1]), graph.ints([-1, -1])]);
  }
}

/** Fewer rows than this make a poor matrix product. */
const FEW_CHANNELS = 8;

/**
 * For each tap of the kernel, what that tap reads times the gradient, summed over images and positions: a product of
 * `[inputs, images · positions]` and the transposed `[filters, images · positions]`.
 */
function kernelGradient({ graph }: Pass, layer: Of<'conv'>, input: string, gradient: string): string {
  const { kernel, strides, pads, groups, output, filters } = layer;
  const [top, left, bottom, right] = pads;
  const inner = layer.input[2] / groups;
  const padded =
    Math.max(...pads) === 0 ? input : graph.add('Pad', [input, graph.ints([0, 0, top, left, 0, 0, bottom, right])]);
  const channelsFirst = graph.transpose(padded, 1, 0, 2, 3);
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
