import { type Conv, placesAlongK } from './choose-kernels.ts';

/** Mean and mean square of each input channel, in real units. */
export interface Moments {
  readonly mean: ArrayLike<number>;
  readonly square: ArrayLike<number>;
}

export interface Shrunk {
  readonly conv: Conv;
  /** Power of the error that this adds to the outputs, as a share of theirs, both with inputs taken as independent. */
  readonly noise: number;
}

/** What form w4 adds in 16 bits: 127 · 258 ≤ 32767 (`fitsW4`). */
const LARGEST_SUM = 258;
/** Scales that are tried for an output channel, as multiples of its own. Large ones need fewer steps to zero. */
const SCALES = [4, 3.3, 2.8, 2.4, 2.1, 1.85, 1.65, 1.5, 1.36, 1.26, 1.17, 1.08, 1];

/**
 * Makes form w4 exact (`fitsW4`): no sum of the positive weights that are added in 16 bits passes 258, nor one of the
 * negative. Output channels that have such sums are rounded anew. Two things make sums smaller, and of their mixtures
 * the one with the least squared error of the output is taken: a larger scale, which makes all weights of the channel
 * smaller and coarser, and drawing single weights of the sums that are still too large towards zero. The bias takes
 * over what outputs lose on average.
 */
export function shrinkToW4(conv: Conv, { mean, square }: Moments): Shrunk {
  const outputs = conv.scales.length;
  const inputs = conv.weights.length / outputs / (conv.kernel[0] * conv.kernel[1]);
  const count = conv.weights.length / outputs;
  const lanes = lanesOf(conv);
  const [weights, scales, bias] = [conv.weights.slice(), conv.scales.slice(), conv.bias.slice()];
  const before = new Int16Array(count);
  const exact = new Float64Array(count);
  const importance = new Float64Array(count);
  let [signal, noise] = [0, 0];
  for (let output = 0; output < outputs; output++) {
    const first = Math.floor((output * conv.groups) / outputs) * inputs;
    const own = conv.scales[output] ?? 1;
    for (let i = 0; i < count; i++) {
      before[i] = conv.weights[i * outputs + output] ?? 0;
      exact[i] = conv.exact[i * outputs + output] ?? 0;
      // Of inputs that are always zero the weights themselves decide.
      importance[i] = (square[first + (i % inputs)] ?? 0) + Number.MIN_VALUE;
      signal += (importance[i] ?? 0) * (exact[i] ?? 0) ** 2;
    }
    if (sumsOf(before, lanes).every((sum) => sum <= LARGEST_SUM)) continue;
    const best = fitChannel({ exact, importance, lanes }, own);
    noise += best.error - squaredError({ exact, importance }, before, own);
    scales[output] = best.scale;
    for (const [i, weight] of best.weights.entries()) {
      const lost = (before[i] ?? 0) * own - weight * best.scale;
      bias[output] = (bias[output] ?? 0) + lost * (mean[first + (i % inputs)] ?? 0);
      weights[i * outputs + output] = weight;
    }
  }
  return { conv: { ...conv, weights, scales, bias }, noise: Math.max(noise, 0) / (signal || 1) };
}

/** For each weight of an output channel, the lane of 16 bits in which form w4 adds its product: two of each four along K. */
function lanesOf(conv: Conv): Int32Array {
  return placesAlongK(conv).places.map((place) => (place >> 4) * 2 + ((place >> 1) & 1));
}

/** Of one output channel, by weight. */
interface Channel {
  readonly exact: Float64Array;
  readonly importance: Float64Array;
  readonly lanes: Int32Array;
}

interface Fit {
  readonly weights: Int16Array;
  readonly scale: number;
  readonly error: number;
}

function fitChannel(channel: Channel, own: number): Fit {
  let best: Fit = { weights: new Int16Array(channel.exact.length), scale: own, error: Number.POSITIVE_INFINITY };
  for (const share of SCALES) best = fitAtScale(channel, Math.fround(own * share), best.error) ?? best;
  return best;
}

/** Rounded; then, in each sum that is too large, the cheapest steps to zero. Null once the error passes `limit`. */
function fitAtScale(channel: Channel, scale: number, limit: number): Fit | null {
  const { exact, importance, lanes } = channel;
  const weights = Int16Array.from(exact, (weight) => Math.round(weight / scale));
  let error = squaredError(channel, weights, scale);
  const sums = sumsOf(weights, lanes);
  const members = new Map<number, number[]>();
  for (const [i, weight] of weights.entries()) {
    const at = sumIndex(lanes[i] ?? 0, weight);
    if ((sums[at] ?? 0) <= LARGEST_SUM) continue;
    const group = members.get(at);
    if (group) group.push(i);
    else members.set(at, [i]);
  }
  /** What a step of a weight towards zero adds to the error. */
  const cost = (i: number): number => {
    const [weight, off] = [weights[i] ?? 0, (weights[i] ?? 0) * scale - (exact[i] ?? 0)];
    return weight === 0
      ? Number.POSITIVE_INFINITY
      : (importance[i] ?? 0) * (scale - 2 * Math.sign(weight) * off) * scale;
  };
  for (const [at, group] of members) {
    for (let sum = sums[at] ?? 0; sum > LARGEST_SUM; sum--) {
      const cheapest = group.reduce((best, i) => (cost(i) < cost(best) ? i : best));
      error += cost(cheapest);
      weights[cheapest] = (weights[cheapest] ?? 0) - Math.sign(weights[cheapest] ?? 0);
    }
    if (error >= limit) return null;
  }
  return error < limit ? { weights, scale, error } : null;
}

/** Σ importance · (weight · scale − exact)² */
function squaredError({ exact, importance }: Omit<Channel, 'lanes'>, weights: Int16Array, scale: number): number {
  let error = 0;
  for (const [i, weight] of weights.entries()) error += (importance[i] ?? 0) * (weight * scale - (exact[i] ?? 0)) ** 2;
  return error;
}

/** What form w4 adds in each lane: positive and negative weights of a lane have sums of their own. */
function sumsOf(weights: Int16Array, lanes: Int32Array): Int32Array {
  const sums = new Int32Array(2 * (lanes.reduce((a, b) => Math.max(a, b), 0) + 1));
  for (const [i, weight] of weights.entries()) {
    const at = sumIndex(lanes[i] ?? 0, weight);
    sums[at] = (sums[at] ?? 0) + Math.abs(weight);
  }
  return sums;
}

const sumIndex = (lane: number, weight: number): number => 2 * lane + (weight < 0 ? 1 : 0);
