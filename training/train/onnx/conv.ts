import { convolution } from './blocked-channels.ts';
import { kernelGradient } from './kernel-gradient.ts';
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
