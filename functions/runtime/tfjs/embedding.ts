import { type LayersModel, model, type SymbolicTensor } from '@tensorflow/tfjs-layers';
import { above, inputOf } from './layers-above.ts';

/**
 * The same network with what its last dense layer reads as a first output, sharing its layers; null where it ends in
 * something else, or where that is the picture itself.
 */
export function embeddingNetwork(layers: LayersModel): LayersModel | null {
  const [output, ...more] = layers.outputs;
  if (!output || more.length > 0) return null;
  const last = above(output, ['Activation', 'Softmax', 'Dropout']);
  const features = last?.sourceLayer.getClassName() === 'Dense' ? above(inputOf(last), ['Dropout']) : null;
  if (!features || isPicture(features)) return null;
  return model({ inputs: layers.inputs, outputs: [features, output] });
}

/** The input, or the input in another shape. */
const isPicture = (value: SymbolicTensor): boolean =>
  above(value, ['Flatten', 'Reshape', 'Rescaling', 'Normalization'])?.sourceLayer.getClassName() === 'InputLayer';
