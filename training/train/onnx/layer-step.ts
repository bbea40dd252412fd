import type { Layer } from '../../architectures/layer.ts';
import { activated, withActivation } from './activation.ts';
import { batchNorm } from './batch-norm.ts';
import { add, concat, dropout, mul, zeroPad } from './combine.ts';
import { conv } from './conv.ts';
import { dense, flatten } from './dense.ts';
import { lrn } from './lrn.ts';
import { averagePool, globalAveragePool, maxPool } from './pool.ts';
import type { Pass, Step, Value } from './step.ts';

/** Adds a layer. A softmax is left out: loss and scores have their own. */
export function layerStep(pass: Pass, layer: Layer, inputs: readonly [Value, ...Value[]]): Step {
  const [{ name: input }] = inputs;
  switch (layer.kind) {
    case 'conv':
      return withActivation(pass, conv(pass, layer, input), layer.activation);
    case 'dense':
      return withActivation(pass, dense(pass, layer, input), layer.activation);
    case 'batch-norm':
      return batchNorm(pass, layer, input);
    case 'activation':
      return activated(pass, input, layer.activation);
    case 'max-pool':
      return maxPool(pass, layer, input);
    case 'average-pool':
      return averagePool(pass, layer, input);
    case 'global-average-pool':
      return globalAveragePool(pass, layer, input);
    case 'lrn':
      return lrn(pass, layer, input);
    case 'zero-pad':
      return zeroPad(pass, layer, input);
    case 'flatten':
      return flatten(pass, layer, input);
    case 'dropout':
      return dropout(pass, layer, input);
    case 'add':
      return add(
        pass,
        inputs.map(({ name }) => name),
      );
    case 'mul': {
      const [, factor = inputs[0]] = inputs;
      return mul(pass, layer, input, factor);
    }
    case 'concat':
      return concat(pass, inputs);
    default:
      return layer satisfies never;
  }
}
