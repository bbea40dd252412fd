import * as tf from '@tensorflow/tfjs-core';
import { initializers, layers, type Shape } from '@tensorflow/tfjs-layers';

/** The layers that TF.js lacks. A saved topology names their classes; who loads it has to import this file. */

type Config = tf.serialization.ConfigDict;
type LayerConfig = NonNullable<ConstructorParameters<typeof layers.Layer>[0]>;

interface GroupedConfig extends LayerConfig {
  readonly filters: number;
  readonly kernelSize: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly groups: number;
  readonly useBias: boolean;
}

/** Keras' Conv2D with `groups` and valid padding: each group of filters reads its own share of the channels. */
export class GroupedConv2D extends layers.Layer {
  static readonly className = 'GroupedConv2D';
  readonly #config: GroupedConfig;

  constructor(config: GroupedConfig) {
    super(config);
    this.#config = config;
  }

  override build(inputShape: Shape): void {
    const { kernelSize, filters, groups, useBias } = this.#config;
    const channels = (inputShape.at(-1) ?? 0) / groups;
    this.addWeight('kernel', [...kernelSize, channels, filters], 'float32', initializers.zeros());
    if (useBias) this.addWeight('bias', [filters], 'float32', initializers.zeros());
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: Shape): Shape {
    const { kernelSize, strides, filters } = this.#config;
    const along = (axis: 0 | 1) =>
      Math.floor(((inputShape[axis + 1] ?? kernelSize[axis]) - kernelSize[axis]) / strides[axis]) + 1;
    return [inputShape[0] ?? null, along(0), along(1), filters];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const { groups, strides } = this.#config;
    const [kernel, bias] = this.weights.map((weight) => weight.read());
    return tf.tidy(() => {
      const kernels = tf.split<tf.Tensor4D>(kernel as tf.Tensor4D, groups, 3);
      const parts = tf
        .split<tf.Tensor4D>(only(inputs), groups, 3)
        .map((part, group) => tf.conv2d(part, kernels[group] ?? part, [...strides], 'valid'));
      const joined = tf.concat<tf.Tensor4D>(parts, 3);
      return bias ? tf.add(joined, bias) : joined;
    });
  }

  override getConfig(): Config {
    const { filters, kernelSize, strides, groups, useBias } = this.#config;
    return { ...super.getConfig(), filters, kernelSize: [...kernelSize], strides: [...strides], groups, useBias };
  }
}

interface LrnConfig extends LayerConfig {
  readonly size: number;
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;
}

/** x / (k + alpha / size · Σ x²)^beta over `size` channels around each (Krizhevsky 2012, section 3.3). */
export class LocalResponseNormalization extends layers.Layer {
  static readonly className = 'LocalResponseNormalization';
  readonly #config: LrnConfig;

  constructor(config: LrnConfig) {
    super(config);
    this.#config = config;
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const { size, alpha, beta, k } = this.#config;
    return tf.tidy(() => {
      const x = only(inputs);
      const before = Math.floor((size - 1) / 2);
      const none: [number, number] = [0, 0];
      const squares = tf.pad(tf.square(x), [none, none, none, [before, size - 1 - before]]);
      const neighbours = Array.from({ length: size }, (_, i) => tf.slice(squares, [0, 0, 0, i], x.shape));
      return tf.div(x, tf.pow(tf.add(tf.mul(tf.addN(neighbours), alpha / size), k), beta));
    });
  }

  override getConfig(): Config {
    const { size, alpha, beta, k } = this.#config;
    return { ...super.getConfig(), size, alpha, beta, k };
  }
}

function only(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor4D {
  const input = Array.isArray(inputs) ? inputs[0] : inputs;
  if (input?.rank !== 4) throw new Error('takes one map [batch, height, width, channels]');
  return input as tf.Tensor4D;
}

tf.serialization.registerClass(GroupedConv2D);
tf.serialization.registerClass(LocalResponseNormalization);
