import { type Layer, type Parameter, type ParameterSource, sizeOf } from './layer.ts';

/** Standard deviation of the sum of four bytes. */
const DEVIATION = Math.sqrt((4 * (256 ** 2 - 1)) / 12);
const MEAN = 4 * 127.5;

/**
 * Random numbers that follow from the seed and the names, whatever is asked for first. Kernels are drawn after He 2015
 * (arXiv 1502.01852, equation 10: variance 2 / fan-in before a ReLU) or with variance 1 / fan-in before anything else,
 * so that a signal keeps its size from layer to layer.
 * @param first name of the first convolution, and the standard deviation of what it reads, which its kernel undoes
 */
export function randomParameters(seed: number, first: { name: string; deviation: number }): ParameterSource {
  return (layer, parameter) => {
    const values = nearlyNormal(sizeOf(parameter.shape), hash(seed, `${layer.name}/${parameter.name}`));
    const [mean, deviation] = distribution(layer, parameter);
    const scale = parameter.name === 'kernel' && layer.name === first.name ? 1 / first.deviation : 1;
    const [offset, factor] = [mean - (MEAN * deviation * scale) / DEVIATION, (deviation * scale) / DEVIATION];
    for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) * factor + offset;
    return values;
  };
}

function distribution(layer: Layer, { name, shape }: Parameter): [mean: number, deviation: number] {
  switch (name) {
    case 'kernel': {
      const linear = (layer.kind === 'dense' || layer.kind === 'conv') && !rectified(layer);
      return [0, Math.sqrt((linear ? 1 : 2) / sizeOf(shape.slice(0, -1)))];
    }
    case 'gamma': {
      const gain = layer.kind === 'batch-norm' ? layer.gain : 1;
      return [gain, gain / 10];
    }
    // Never below 1 − 0.2 · 3.46.
    case 'moving_variance':
      return [1, 0.2];
    case 'bias':
    case 'beta':
    case 'moving_mean':
      return [0, 0.1];
    default:
      return name satisfies never;
  }
}

/** A convolution without an activation of its own has its ReLU behind a batch norm or as the next layer. */
function rectified(layer: Extract<Layer, { kind: 'conv' | 'dense' }>): boolean {
  return layer.activation === 'relu' || (layer.kind === 'conv' && layer.activation === null);
}

/**
 * Sums of the four bytes of Mulberry32's numbers (Irwin and Hall's distribution: nearly normal, 0 … 1020): one step a
 * value, as VGG16 needs 138 million.
 */
function nearlyNormal(count: number, seed: number): Float32Array {
  const values = new Float32Array(count);
  let state = seed;
  for (let i = 0; i < count; i++) {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    mixed ^= mixed >>> 14;
    values[i] = (mixed & 255) + ((mixed >>> 8) & 255) + ((mixed >>> 16) & 255) + (mixed >>> 24);
  }
  return values;
}

/** FNV-1a, 32 bits. */
function hash(seed: number, text: string): number {
  let value = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value | 0;
}
