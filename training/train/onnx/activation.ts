import type { LayerActivation } from '../../architectures/layer.ts';
import { type Pass, type Step, simple } from './step.ts';

/** Derivatives are written with the result y, which is there anyway. */
export function activated({ graph }: Pass, input: string, activation: LayerActivation): Step {
  switch (activation) {
    case 'relu': {
      const y = graph.add('Relu', [input]);
      return simple(y, (gradient) => {
        const positive = graph.add('Cast', [graph.add('Greater', [y, graph.number(0)])], { to: 1 });
        return graph.add('Mul', [gradient, positive]);
      });
    }
    case 'sigmoid': {
      const y = graph.add('Sigmoid', [input]);
      return simple(y, (gradient) => {
        const slope = graph.add('Mul', [y, graph.add('Sub', [graph.number(1), y])]);
        return graph.add('Mul', [gradient, slope]);
      });
    }
    case 'tanh': {
      const y = graph.add('Tanh', [input]);
      return simple(y, (gradient) => {
        const slope = graph.add('Sub', [graph.number(1), graph.add('Mul', [y, y])]);
        return graph.add('Mul', [gradient, slope]);
      });
    }
    case 'softmax':
      return simple(input, (gradient) => gradient);
    default:
      return activation satisfies never;
  }
}

/** The linear part of a layer and the activation of its own. */
export function withActivation(pass: Pass, linear: Step, activation: LayerActivation | null): Step {
  if (!activation) return linear;
  const outer = activated(pass, linear.value, activation);
  return {
    value: outer.value,
    backward(gradient) {
      const [inner] = outer.backward(gradient).inputs;
      return linear.backward(inner?.() ?? gradient);
    },
  };
}
