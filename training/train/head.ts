import type { LabelledImages } from '../data/labelled-images.ts';
import { randomNumbers, shuffle } from './random.ts';

/** What a network without its last layer makes of images. */
export interface Features {
  /** float32 `[images, size]` */
  readonly values: Float32Array;
  readonly size: number;
  readonly labels: LabelledImages['labels'];
}

/** A dense layer: logits[n] = Σ features[k] · weights[k][n] + bias[n]. */
export interface Head {
  /** float32 `[size][classes]` */
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

export interface HeadEpoch {
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly validationLoss: number;
  readonly validationAccuracy: number;
}

export const HEAD_EPOCHS = 60;
const BATCH = 64;
/** Of standardized features. It falls to zero along half a cosine. */
const RATE = 0.003;
const DECAY = 1e-3;
const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/**
 * Multinomial logistic regression on features that are brought to mean 0 and deviation 1, by AdamW (Loshchilov and Hutter
 * 2019); the epoch that validates with the least loss is kept, and the standardization is folded into it. The same seed gives the
 * same head.
 */
export function trainHead(
  training: Features,
  validation: Features,
  classes: number,
  seed: number,
  onEpoch: (epoch: HeadEpoch) => void,
): Head {
  const { size, labels } = training;
  const standard = standardization(training);
  const [inputs, held] = [standardized(training, standard), standardized(validation, standard)];
  const head = { weights: new Float32Array(size * classes), bias: new Float32Array(classes) };
  const adam = [new Moments(size * classes, DECAY), new Moments(classes, 0)] as const;
  const random = randomNumbers(seed);
  const order = Uint32Array.from(labels.keys());
  const steps = HEAD_EPOCHS * Math.ceil(order.length / BATCH);
  let best = { loss: Number.POSITIVE_INFINITY, ...head };
  let step = 0;
  for (let epoch = 1; epoch <= HEAD_EPOCHS; epoch++) {
    shuffle(order, random);
    let [loss, hits] = [0, 0];
    for (let start = 0; start < order.length; start += BATCH) {
      const chosen = order.subarray(start, start + BATCH);
      const result = gradients(head, inputs, chosen, classes);
      loss += result.loss;
      hits += result.hits;
      const rate = (RATE * (1 + Math.cos((Math.PI * step++) / steps))) / 2;
      adam[0].step(head.weights, result.weights, rate, step);
      adam[1].step(head.bias, result.bias, rate, step);
    }
    const validated = measure(head, held, classes);
    if (validated.loss < best.loss)
      best = { loss: validated.loss, weights: head.weights.slice(), bias: head.bias.slice() };
    onEpoch({
      epoch,
      loss: loss / order.length,
      accuracy: hits / order.length,
      validationLoss: validated.loss,
      validationAccuracy: validated.accuracy,
    });
  }
  return unstandardized(best, standard, classes);
}

interface Standardization {
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
}

function standardization({ values, size }: Features): Standardization {
  const [sums, squares] = [new Float64Array(size), new Float64Array(size)];
  for (const [at, value] of values.entries()) {
    sums[at % size] = (sums[at % size] ?? 0) + value;
    squares[at % size] = (squares[at % size] ?? 0) + value * value;
  }
  const images = values.length / size;
  const mean = sums.map((sum) => sum / images);
  const deviation = squares.map((square, k) => Math.sqrt(Math.max(square / images - (mean[k] ?? 0) ** 2, 0)));
  // A feature that is always the same says nothing: its weight stays 0. One that hardly varies must not become loud.
  const typical = deviation.reduce((sum, one) => sum + one, 0) / size || 1;
  return { mean, deviation: deviation.map((one) => Math.max(one, 0.05 * typical)) };
}

function standardized({ values, size, labels }: Features, { mean, deviation }: Standardization): Features {
  return {
    size,
    labels,
    values: values.map((value, at) => (value - (mean[at % size] ?? 0)) / (deviation[at % size] ?? 1)),
  };
}

function unstandardized({ weights, bias }: Head, { mean, deviation }: Standardization, classes: number): Head {
  const shifted = Float64Array.from(bias);
  const scaled = weights.map((weight, at) => {
    const [k, n] = [Math.floor(at / classes), at % classes];
    const own = weight / (deviation[k] ?? 1);
    shifted[n] = (shifted[n] ?? 0) - own * (mean[k] ?? 0);
    return own;
  });
  return { weights: scaled, bias: Float32Array.from(shifted) };
}

/** Softmax scores of one image, into `scores`. @returns the cross-entropy of its class */
function forward({ weights, bias }: Head, row: Float32Array, label: number, scores: Float64Array): number {
  const classes = bias.length;
  scores.set(bias);
  for (let k = 0, at = 0; k < row.length; k++) {
    const value = row[k] ?? 0;
    for (let n = 0; n < classes; n++, at++) scores[n] = (scores[n] ?? 0) + value * (weights[at] ?? 0);
  }
  const top = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  let sum = 0;
  for (let n = 0; n < classes; n++) sum += Math.exp((scores[n] ?? 0) - top);
  const loss = Math.log(sum) + top - (scores[label] ?? 0);
  for (let n = 0; n < classes; n++) scores[n] = Math.exp((scores[n] ?? 0) - top) / sum;
  return loss;
}

const isHit = (scores: Float64Array, label: number): boolean =>
  scores.every((score, n) => n === label || score < (scores[label] ?? 0));

function gradients(head: Head, { values, size, labels }: Features, chosen: Uint32Array, classes: number) {
  const [weights, bias] = [new Float32Array(size * classes), new Float32Array(classes)];
  const scores = new Float64Array(classes);
  let [loss, hits] = [0, 0];
  for (const at of chosen) {
    const row = values.subarray(at * size, (at + 1) * size);
    const label = labels[at] ?? 0;
    loss += forward(head, row, label, scores);
    if (isHit(scores, label)) hits++;
    scores[label] = (scores[label] ?? 0) - 1;
    for (let n = 0; n < classes; n++) bias[n] = (bias[n] ?? 0) + (scores[n] ?? 0) / chosen.length;
    for (let k = 0, to = 0; k < size; k++) {
      const share = (row[k] ?? 0) / chosen.length;
      for (let n = 0; n < classes; n++, to++) weights[to] = (weights[to] ?? 0) + share * (scores[n] ?? 0);
    }
  }
  return { weights, bias, loss, hits };
}

function measure(head: Head, { values, size, labels }: Features, classes: number) {
  const scores = new Float64Array(classes);
  let [loss, hits] = [0, 0];
  for (const [at, label] of labels.entries()) {
    loss += forward(head, values.subarray(at * size, (at + 1) * size), label, scores);
    if (isHit(scores, label)) hits++;
  }
  return { loss: loss / labels.length, accuracy: hits / labels.length };
}

/** Running means of a gradient and of its square. */
class Moments {
  readonly #first: Float32Array;
  readonly #second: Float32Array;
  readonly #decay: number;

  constructor(length: number, decay: number) {
    [this.#first, this.#second, this.#decay] = [new Float32Array(length), new Float32Array(length), decay];
  }

  /** @param step from 1 */
  step(parameters: Float32Array, gradient: Float32Array, rate: number, step: number): void {
    const [unbias1, unbias2] = [1 - BETA1 ** step, 1 - BETA2 ** step];
    for (let at = 0; at < gradient.length; at++) {
      const slope = gradient[at] ?? 0;
      const first = BETA1 * (this.#first[at] ?? 0) + (1 - BETA1) * slope;
      const second = BETA2 * (this.#second[at] ?? 0) + (1 - BETA2) * slope * slope;
      this.#first[at] = first;
      this.#second[at] = second;
      const own = parameters[at] ?? 0;
      const move = first / unbias1 / (Math.sqrt(second / unbias2) + EPSILON);
      parameters[at] = own - rate * (move + this.#decay * own);
    }
  }
}
