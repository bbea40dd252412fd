import { type Of, type Pass, type Step, simple, type Value } from './step.ts';

export function add({ graph }: Pass, inputs: readonly string[]): Step {
  return {
    value: graph.add('Sum', inputs),
    backward: (gradient) => ({ inputs: inputs.map(() => () => gradient), parameters: {} }),
  };
}

/** @param factor a value of the map's shape, or one number a channel, as a vector or as a map of one position */
export function mul({ graph }: Pass, layer: Of<'add' | 'mul' | 'concat'>, map: string, factor: Value): Step {
  const [height, width, channels] = layer.output;
  const gate = height * width > factor.shape[0] * factor.shape[1];
  const spread = gate && factor.vector ? graph.reshape(factor.name, 0, channels, 1, 1) : factor.name;
  const factorGradient = (gradient: string) => {
    const product = graph.add('Mul', [gradient, map]);
    return gate ? graph.reduce('ReduceSum', product, [2, 3], !factor.vector) : product;
  };
  return {
    value: graph.add('Mul', [map, spread]),
    backward: (gradient) => ({
      inputs: [() => graph.add('Mul', [gradient, spread]), () => factorGradient(gradient)],
      parameters: {},
    }),
  };
}

export function concat({ graph }: Pass, inputs: readonly Value[]): Step {
  return {
    value: graph.add(
      'Concat',
      inputs.map(({ name }) => name),
      { axis: 1 },
    ),
    backward(gradient) {
      const channels = graph.ints(inputs.map(({ shape }) => shape[2]));
      const parts = graph.addMany('Split', [gradient, channels], inputs.length, { axis: 1 });
      return { inputs: parts.map((part) => () => part), parameters: {} };
    },
  };
}

/** Srivastava et al. 2014, what is kept multiplied with 1 / (1 − rate), so that inference needs nothing. */
export function dropout(pass: Pass, layer: Of<'dropout'>, input: string): Step {
  if (!pass.training) return simple(input, (gradient) => gradient);
  const mask = pass.mask(layer);
  return simple(pass.graph.add('Mul', [input, mask]), (gradient) => pass.graph.add('Mul', [gradient, mask]));
}

export function zeroPad({ graph }: Pass, { pads }: Of<'zero-pad'>, input: string): Step {
  const [top, left, bottom, right] = pads;
  const around = (sign: 1 | -1) => graph.ints([0, 0, sign * top, sign * left, 0, 0, sign * bottom, sign * right]);
  return simple(graph.add('Pad', [input, around(1)]), (gradient) => graph.add('Pad', [gradient, around(-1)]));
}
