import type { Pads, Pair, Shape } from '../graph/graph.ts';
import type { Layer, LayerActivation, LayerOperation } from './layer.ts';

interface ConvOptions {
  readonly stride?: number;
  /** Zeros on each side. */
  readonly pad?: number;
  readonly groups?: number;
  readonly bias?: boolean;
  readonly activation?: LayerActivation;
}

/** `ceil`: a last window may reach beyond the map, as in Caffe. */
interface PoolOptions {
  readonly pad?: number;
  readonly ceil?: boolean;
}

interface Value {
  readonly shape: Shape;
  readonly vector: boolean;
}

/** A second output that only training computes, so that layers far from the last one get a gradient of their own. */
export interface Auxiliary {
  /** They read values of the network; the last one gives logits or scores. */
  readonly layers: readonly Layer[];
  /** Its loss counts so much beside that of the network's own output. */
  readonly weight: number;
}

/** Lists the layers of a network one after the other; a method takes and gives names of values. */
export class NetworkBuilder {
  readonly layers: Layer[] = [];
  readonly auxiliaries: Auxiliary[] = [];
  #list = this.layers;
  readonly #values = new Map<string, Value>();

  constructor(input: { readonly name: string; readonly shape: Shape }) {
    this.#values.set(input.name, { shape: input.shape, vector: false });
  }

  conv(name: string, from: string, filters: number, kernel: number, options: ConvOptions = {}): string {
    const { stride = 1, pad = 0, groups = 1, bias = true, activation = null } = options;
    const { shape } = this.#value(from);
    const window = square(kernel, stride, pad);
    const output = [
      positions(shape[0], kernel, stride, pad),
      positions(shape[1], kernel, stride, pad),
      filters,
    ] as const;
    return this.#put(name, [from], { kind: 'conv', filters, groups, bias, activation, ...window }, output);
  }

  dense(name: string, from: string, units: number, activation: LayerActivation | null = null): string {
    return this.#put(name, [from], { kind: 'dense', units, activation }, [1, 1, units], true);
  }

  batchNorm(name: string, from: string, epsilon: number, gain = 1): string {
    return this.#keep(name, [from], { kind: 'batch-norm', epsilon, gain });
  }

  activation(name: string, from: string, activation: LayerActivation): string {
    return this.#keep(name, [from], { kind: 'activation', activation });
  }

  maxPool(name: string, from: string, kernel: number, stride: number, options: PoolOptions = {}): string {
    return this.#pool('max-pool', name, from, kernel, stride, options);
  }

  averagePool(name: string, from: string, kernel: number, stride: number): string {
    return this.#pool('average-pool', name, from, kernel, stride, {});
  }

  globalAveragePool(name: string, from: string, keepDims = false): string {
    const output = [1, 1, this.#value(from).shape[2]] as const;
    return this.#put(name, [from], { kind: 'global-average-pool', keepDims }, output, !keepDims);
  }

  /** Krizhevsky 2012, section 3.3, alpha over `size` as Caffe and ONNX have it. */
  lrn(name: string, from: string, size: number, alpha: number, beta: number, k: number): string {
    return this.#keep(name, [from], { kind: 'lrn', size, alpha, beta, k });
  }

  zeroPad(name: string, from: string, pad: number): string {
    const [height, width, channels] = this.#value(from).shape;
    const output = [height + 2 * pad, width + 2 * pad, channels] as const;
    return this.#put(name, [from], { kind: 'zero-pad', pads: [pad, pad, pad, pad] }, output);
  }

  flatten(name: string, from: string): string {
    const [height, width, channels] = this.#value(from).shape;
    return this.#put(name, [from], { kind: 'flatten' }, [1, 1, height * width * channels], true);
  }

  dropout(name: string, from: string, rate: number): string {
    return this.#keep(name, [from], { kind: 'dropout', rate });
  }

  add(name: string, from: readonly [string, string]): string {
    return this.#keep(name, from, { kind: 'add' });
  }

  /** The second may be one number a channel. */
  mul(name: string, from: readonly [string, string]): string {
    return this.#keep(name, from, { kind: 'mul' });
  }

  /** Along the channels. */
  concat(name: string, from: readonly string[]): string {
    const shapes = from.map((input) => this.#value(input).shape);
    const [height, width] = shapes[0] ?? [0, 0];
    return this.#put(name, from, { kind: 'concat' }, [height, width, shapes.reduce((sum, shape) => sum + shape[2], 0)]);
  }

  /** What `list` adds is no part of the network, only of its training (Szegedy et al. 2015, section 5). */
  auxiliary(weight: number, list: () => void): void {
    const layers: Layer[] = [];
    this.#list = layers;
    list();
    this.#list = this.layers;
    this.auxiliaries.push({ layers, weight });
  }

  #pool(
    kind: 'max-pool' | 'average-pool',
    name: string,
    from: string,
    kernel: number,
    stride: number,
    { pad = 0, ceil = false }: PoolOptions,
  ): string {
    const [height, width, channels] = this.#value(from).shape;
    const along = (length: number) => positions(length, kernel, stride, pad, ceil);
    return this.#put(name, [from], { kind, ...square(kernel, stride, pad) }, [along(height), along(width), channels]);
  }

  /** A layer whose output has the shape of its first input. */
  #keep(name: string, inputs: readonly string[], operation: LayerOperation): string {
    const { shape, vector } = this.#value(inputs[0] ?? '');
    return this.#put(name, inputs, operation, shape, vector);
  }

  #put(name: string, inputs: readonly string[], operation: LayerOperation, output: Shape, vector = false): string {
    if (this.#values.has(name)) throw new Error(`Two layers are named "${name}"`);
    const input = this.#value(inputs[0] ?? '').shape;
    this.#list.push({ name, inputs, ...operation, input, output, vector });
    this.#values.set(name, { shape: output, vector });
    return name;
  }

  #value(name: string): Value {
    const value = this.#values.get(name);
    if (!value) throw new Error(`No layer before makes "${name}"`);
    return value;
  }
}

function square(kernel: number, stride: number, pad: number): { kernel: Pair; strides: Pair; pads: Pads } {
  return { kernel: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] };
}

/** Positions of a window along a side. In ceil mode the last one still starts within the map or its left padding. */
function positions(length: number, kernel: number, stride: number, pad: number, ceil = false): number {
  const steps = (length + 2 * pad - kernel) / stride;
  const count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
  return ceil && (count - 1) * stride >= length + pad ? count - 1 : count;
}
