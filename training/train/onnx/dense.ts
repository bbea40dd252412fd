import { type Of, type Pass, type Step, simple } from './step.ts';

/** `[batch, inputs]` times `[inputs, units]`, without the layer's activation. */
export function dense(pass: Pass, layer: Of<'dense'>, input: string): Step {
  const { graph } = pass;
  const [kernel, bias] = [pass.parameter(layer, 'kernel'), pass.parameter(layer, 'bias')];
  return {
    value: graph.add('Gemm', [input, kernel, bias]),
    backward: (gradient) => ({
      inputs: [() => graph.matMul(gradient, kernel, { transposed: true })],
      parameters: {
        kernel: graph.transposedMatMul(input, gradient),
        bias: graph.reduce('ReduceSum', gradient, [0]),
      },
    }),
  };
}

/** A map as a vector, channels fastest. */
export function flatten({ graph }: Pass, { input: [height, width, channels] }: Of<'flatten'>, input: string): Step {
  const single = height * width === 1;
  const channelsLast = single ? input : graph.transpose(input, 0, 2, 3, 1);
  return simple(graph.reshape(channelsLast, 0, height * width * channels), (gradient) =>
    single
      ? graph.reshape(gradient, 0, channels, 1, 1)
      : graph.transpose(graph.reshape(gradient, 0, height, width, channels), 0, 3, 1, 2),
  );
}
