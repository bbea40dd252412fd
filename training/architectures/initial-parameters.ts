import { parametersOf, sizeOf } from './layer.ts';
import { type Network, trainedLayers } from './network.ts';

/**
 * What training begins with: random kernels, biases and betas of zero, gammas of the layer's gain, moving statistics of
 * a standard normal distribution.
 * @returns by `<layer>/<parameter>`, auxiliary outputs included
 */
export function initialParameters(network: Network, seed: number): Map<string, Float32Array> {
  const random = network.random(seed);
  const parameters = new Map<string, Float32Array>();
  for (const layer of trainedLayers(network)) {
    for (const parameter of parametersOf(layer)) {
      const { name, shape } = parameter;
      const gamma = layer.kind === 'batch-norm' ? layer.gain : 1;
      const constant = name === 'gamma' ? gamma : name === 'moving_variance' ? 1 : 0;
      const values = name === 'kernel' ? random(layer, parameter) : new Float32Array(sizeOf(shape)).fill(constant);
      parameters.set(`${layer.name}/${name}`, values);
    }
  }
  return parameters;
}
