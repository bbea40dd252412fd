import { channelSums, type Of, type Pass, type Step } from './step.ts';

/**
 * Ioffe and Szegedy 2015 (arXiv 1502.03167), of maps or vectors: by the mean and variance of the batch in training,
 * else by the moving ones.
 */
export function batchNorm(pass: Pass, layer: Of<'batch-norm'>, x: string): Step {
  const { graph } = pass;
  const epsilon = { float: layer.epsilon };
  const [gamma, beta] = [pass.parameter(layer, 'gamma'), pass.parameter(layer, 'beta')];
  if (!pass.training) {
    const moving = [pass.parameter(layer, 'moving_mean'), pass.parameter(layer, 'moving_variance')];
    const value = graph.add('BatchNormalization', [x, gamma, beta, ...moving], { epsilon });
    return { value, backward: () => ({ inputs: [], parameters: {} }) };
  }
  const [zeros, ones] = [0, 1].map((value) => {
    const channels = layer.output[2];
    return graph.floats(new Float32Array(channels).fill(value), [channels]);
  }) as [string, string];
  // With momentum 0 the "moving" statistics that it gives are those of this batch.
  const attributes = { epsilon, training_mode: 1, momentum: { float: 0 } };
  const made = graph.addMany('BatchNormalization', [x, gamma, beta, zeros, ones], 3, attributes);
  const [value, mean, variance] = made as [string, string, string];
  pass.measured(layer, 'moving_mean', mean);
  pass.measured(layer, 'moving_variance', variance);
  return {
    value,
    backward(gradient) {
      const { mul, sub, add } = arithmetic(pass);
      const deviation = graph.add('Sqrt', [add(variance, graph.number(layer.epsilon))]);
      const sum = channelSums(pass, gradient);
      const product = channelSums(pass, mul(gradient, x));
      const gammaGradient = graph.add('Div', [sub(product, mul(mean, sum)), deviation]);
      const inputGradient = () => {
        // gamma / deviation · (gradient − mean of it − normalized x · mean of (gradient · normalized x)),
        // spelled as a · gradient + b · x + c
        const positions = layer.output[0] * layer.output[1];
        const share = mul(pass.perImage, graph.number(1 / positions));
        const a = graph.add('Div', [gamma, deviation]);
        const b = graph.add('Neg', [graph.add('Div', [mul(a, mul(gammaGradient, share)), deviation])]);
        const c = graph.add('Neg', [add(mul(a, mul(sum, share)), mul(b, mean))]);
        // At inference the operation is one pass of scale and shift.
        const scaled = graph.add('BatchNormalization', [gradient, a, c, zeros, ones], { epsilon: { float: 0 } });
        return add(scaled, mul(x, layer.vector ? b : graph.reshape(b, -1, 1, 1)));
      };
      return { inputs: [inputGradient], parameters: { gamma: gammaGradient, beta: sum } };
    },
  };
}

function arithmetic({ graph }: Pass) {
  return {
    add: (a: string, b: string) => graph.add('Add', [a, b]),
    sub: (a: string, b: string) => graph.add('Sub', [a, b]),
    mul: (a: string, b: string) => graph.add('Mul', [a, b]),
  };
}
