import type { NetworkBuilder } from './builder.ts';

/** The end of AlexNet that VGG-F, M and S took over: 4096, 4096, 1000. Caffe's inner product flattens by itself. */
export function caffeClassifier(net: NetworkBuilder, from: string): void {
  let value = net.flatten('flatten', from);
  for (const number of [6, 7]) {
    const relu = net.activation(`relu${number}`, net.dense(`fc${number}`, value, 4096), 'relu');
    value = net.dropout(`drop${number}`, relu, 0.5);
  }
  net.activation('prob', net.dense('fc8', value, 1000), 'softmax');
}
