import { InferenceSession, Tensor } from 'onnxruntime-node';
import { OnnxBuilder } from '../../onnx/builder.ts';
import { writeOnnx } from '../../onnx/write.ts';
import type { Of, Pass } from './step.ts';

/**
 * The layout in which onnxruntime computes convolutions with constant kernels: `[batch, channels / block, h, w, block]`
 * under the name of `[batch, channels, h, w]`. Its operations are no part of ONNX, but a model may hold them, as models
 * that onnxruntime has optimized do; kernels that change are brought into their layout by the graph. Measured on AVX2:
 * 3x3 convolutions with 32 to 128 channels take 0.65 of the time, the way there and back included.
 */
const DOMAIN = 'com.microsoft.nchwc';

/** @returns the block of this machine, or 1 where there is no such layout */
export async function blockOfChannels(): Promise<number> {
  // Elsewhere some builds have the operations without kernels for them.
  if (process.arch !== 'x64') return 1;
  const graph = new OnnxBuilder();
  const [channels, positions] = [32, 2];
  const reordered = graph.add('ReorderInput', [graph.input('x', [1, channels, 1, positions])], {}, DOMAIN);
  const session = await InferenceSession.create(writeOnnx(graph.model(18, [reordered])));
  const values = Float32Array.from({ length: channels * positions }, (_, index) => index);
  const { [reordered]: result } = await session.run({ x: new Tensor('float32', values, [1, channels, 1, positions]) });
  await session.release();
  // Behind the first position's channels of the first block comes that channel's second position.
  const block = result?.data instanceof Float32Array ? result.data.indexOf(1) : 1;
  return block === 8 || block === 16 ? block : 1;
}

interface Convolution {
  readonly kernel_shape: readonly [number, number];
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly group: number;
}

/**
 * @param kernel `[h, w, inputs, outputs]`, or with `turned` `[h, w, outputs, inputs]`
 * @param bias one, or none
 */
export function convolution(
  { graph, block }: Pass,
  input: string,
  kernel: string,
  bias: readonly string[],
  window: Convolution & { readonly inputs: number; readonly outputs: number; readonly turned: boolean },
): string {
  const { inputs, outputs, turned, ...attributes } = window;
  const [height, width] = attributes.kernel_shape;
  // A 1x1 convolution is a matrix product as it is.
  const gains = block > 1 && inputs % block === 0 && outputs % block === 0 && height * width > 1;
  if (!gains || attributes.group > 1) {
    const outputsFirst = turned ? graph.transpose(kernel, 2, 3, 0, 1) : graph.transpose(kernel, 3, 2, 0, 1);
    return graph.add('Conv', [input, outputsFirst, ...bias], attributes);
  }
  // → [outputs / block, inputs / block, h, w, block of inputs, block of outputs]
  const [first, second] = turned ? [outputs, inputs] : [inputs, outputs];
  const parts = graph.reshape(kernel, height, width, first / block, block, second / block, block);
  const order = turned ? graph.transpose(parts, 2, 4, 0, 1, 5, 3) : graph.transpose(parts, 4, 2, 0, 1, 3, 5);
  const filters = graph.reshape(order, outputs, inputs, height, width);
  const reordered = graph.add('ReorderInput', [input], {}, DOMAIN);
  const result = graph.add('Conv', [reordered, filters, ...bias], attributes, DOMAIN);
  return graph.add('ReorderOutput', [result], { channels: outputs }, DOMAIN);
}

/**
 * The gradient of a kernel is a convolution as well: images take the place of channels, the channels that the layer
 * reads that of images, and its gradient is the kernel, with what the layer strides as dilation. Written for batches of
 * whole blocks. With padding among the attributes it would take twice the time, as each column would be on its own.
 * @param framed what the layer read, padded
 * @returns `[h, w, inputs, filters]`
 */
export function ofImages({ graph, block }: Pass, layer: Of<'conv'>, framed: string, gradient: string): string {
  const { output, filters, kernel, strides } = layer;
  const [height, width] = output;
  const images = graph.add('ReorderInput', [graph.transpose(framed, 1, 0, 2, 3)], {}, DOMAIN);
  const reordered = graph.add('ReorderInput', [gradient], {}, DOMAIN);
  // [batch / block, block of images, filters / block, h · w, block of filters] → filters of blocks of images
  const parts = graph.reshape(reordered, -1, block, filters / block, height * width, block);
  const taps = graph.reshape(graph.transpose(parts, 2, 0, 3, 1, 4), filters, -1, height, width);
  const attributes = {
    kernel_shape: [height, width],
    strides: [1, 1],
    dilations: strides,
    pads: [0, 0, 0, 0],
    group: 1,
  };
  const result = graph.add('Conv', [images, taps], attributes, DOMAIN);
  const filtersLast = graph.add('ReorderOutput', [result], { channels: filters, channels_last: 1 }, DOMAIN);
  return graph.reshape(graph.transpose(filtersLast, 1, 2, 0, 3), ...kernel, layer.input[2], filters);
}
