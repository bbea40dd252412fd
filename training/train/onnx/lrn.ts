import { type Of, type Pass, type Step, simple } from './step.ts';

/**
 * y = x · s^−beta with s = k + alpha / size · Σ x² over neighbouring channels (Krizhevsky 2012, section 3.3), so
 * dx = dy · s^−beta − 2 · alpha · beta / size · x · Σ (dy · y / s) over the channels that x is a neighbour of.
 */
export function lrn({ graph }: Pass, layer: Of<'lrn'>, x: string): Step {
  const { size, alpha, beta, k } = layer;
  const channels = layer.output[2];
  /** A 1x1 convolution sums neighbours. */
  const summed = (value: string, before: number, after: number, bias: number) => {
    const near = (row: number, column: number) => column >= row - before && column <= row + after;
    const kernel = Array.from({ length: channels ** 2 }, (_, index) =>
      near(Math.floor(index / channels), index % channels) ? alpha / size : 0,
    );
    const biases = new Float32Array(channels).fill(bias);
    return graph.add('Conv', [
      value,
      graph.floats(kernel, [channels, channels, 1, 1]),
      graph.floats(biases, [channels]),
    ]);
  };
  const [before, after] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
  const s = summed(graph.add('Mul', [x, x]), before, after, k);
  const factor = graph.add('Pow', [s, graph.number(-beta)]);
  return simple(graph.add('Mul', [x, factor]), (gradient) => {
    const direct = graph.add('Mul', [gradient, factor]);
    const shares = graph.add('Div', [graph.add('Mul', [direct, x]), s]);
    const neighbours = graph.add('Mul', [x, summed(shares, after, before, 0)]);
    return graph.add('Sub', [direct, graph.add('Mul', [neighbours, graph.number(2 * beta)])]);
  });
}
