import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import type { Classifier } from '../classifier.ts';
import { startBackend } from './backend.ts';
import { activationMap, pooledEnd } from './class-activation.ts';
import { embeddingNetwork } from './embedding.ts';

export interface TfjsModel {
  /** tfjs-backend-wasm-simd.wasm, compiled. */
  readonly backend: WebAssembly.Module;
  /** The parsed `model.json`. */
  readonly topology: tf.io.ModelJSON;
  /** All weights in the order of the weights manifest. */
  readonly weights: ArrayBuffer;
  /** `[height, width, channels]` of the input. */
  readonly shape: readonly [number, number, number];
  /** value = pixel · scale + offset; one number, or one a channel. */
  readonly scale: readonly number[];
  readonly offset: readonly number[];
}

/** A TF.js layers model as a {@link Classifier}. Every tensor of a call is gone when it returns. */
export async function loadTfjsClassifier(model: TfjsModel): Promise<Classifier> {
  await startBackend(model.backend);
  const layers = await loadLayersModel({
    load: async () => ({
      modelTopology: model.topology.modelTopology,
      weightSpecs: model.topology.weightsManifest.flatMap((group) => group.weights),
      weightData: model.weights,
    }),
  });
  const [scale, offset] = [tf.keep(tf.tensor1d([...model.scale])), tf.keep(tf.tensor1d([...model.offset]))];
  // A model may begin with Flatten or with Reshape: it says itself what it takes.
  const inputShape = (layers.inputs[0]?.shape ?? []).slice(1);
  const flat = inputShape.length === 1;
  const weightBytes = layers.weights.reduce(
    (sum, weight) => sum + 4 * tf.util.sizeFromShape(weight.shape as number[]),
    0,
  );
  /** Pixels as the network takes them; within `tf.tidy`. */
  const inputOf = (pixels: Uint8Array, batch: number): tf.Tensor => {
    const [height, width, channels] = model.shape;
    const values = tf.tensor4d(Float32Array.from(pixels), [batch, height, width, channels]);
    const input = tf.add(tf.mul(values, scale), offset);
    return flat ? tf.reshape(input, [batch, -1]) : input;
  };
  const end = pooledEnd(layers);
  const features = embeddingNetwork(layers);
  return {
    bytes: weightBytes,
    async classify(pixels, batch) {
      const scores = tf.tidy(() => {
        const output = layers.predict(inputOf(pixels, batch), { batchSize: batch });
        if (Array.isArray(output)) throw new Error('a classifier has one output');
        return output;
      });
      try {
        return (await scores.data()) as Float32Array;
      } finally {
        scores.dispose();
      }
    },
    ...(end && {
      async classActivation(pixels, choose) {
        const [features, output] = tf.tidy(() => end.network.predict(inputOf(pixels, 1)) as [tf.Tensor, tf.Tensor]);
        try {
          const scores = (await output.data()) as Float32Array;
          return { scores, activation: await activationMap(features, end, choose(scores)) };
        } finally {
          tf.dispose([features, output]);
        }
      },
    }),
    ...(features && {
      async embed(pixels) {
        const [vector, output] = tf.tidy(() => features.predict(inputOf(pixels, 1)) as [tf.Tensor, tf.Tensor]);
        try {
          return { values: (await vector.data()) as Float32Array, scores: (await output.data()) as Float32Array };
        } finally {
          tf.dispose([vector, output]);
        }
      },
    }),
    dispose() {
      layers.dispose();
      scale.dispose();
      offset.dispose();
    },
  };
}
