import type { Recipe } from '../architectures/recipe.ts';
import { imageAt, type LabelledImages } from '../data/labelled-images.ts';
import { augment } from './augment.ts';
import type { Batch } from './gradient-engine.ts';
import { randomNumbers, seedOf, shuffle } from './random.ts';

/** A network's input is pixel · this. */
export const PIXEL_SCALE = 1 / 255;

/** What the seed decides; each use has numbers of its own. */
const ORDER = 1;
const AUGMENTATION = 2;

/** The images of each step: they follow from the seed and the step's number alone, so that training can be resumed. */
export class Batches {
  /** A last batch that isn't full is left out: its batch norm would be of few images. Each epoch leaves out others. */
  readonly perEpoch: number;
  readonly size: number;
  readonly #data: LabelledImages;
  readonly #recipe: Recipe;
  readonly #seed: number;
  readonly #order: Uint32Array;
  #epoch = -1;

  constructor(data: LabelledImages, recipe: Recipe, seed: number) {
    this.size = Math.min(recipe.batchSize, data.count);
    this.perEpoch = Math.floor(data.count / this.size);
    this.#data = data;
    this.#recipe = recipe;
    this.#seed = seed;
    this.#order = new Uint32Array(data.count);
  }

  at(step: number): Batch {
    this.#shuffleFor(Math.floor(step / this.perEpoch));
    const first = (step % this.perEpoch) * this.size;
    const chosen = this.#order.subarray(first, first + this.size);
    const { shape, classNames, labels } = this.#data;
    const [length, classes] = [shape[0] * shape[1] * shape[2], classNames.length];
    const { labelSmoothing, augmentation } = this.#recipe;
    const pixels = new Float32Array(chosen.length * length);
    const targets = new Float32Array(chosen.length * classes).fill(labelSmoothing / classes);
    const random = randomNumbers(seedOf(this.#seed, AUGMENTATION, step));
    const shown = new Uint8Array(length);
    for (const [row, at] of chosen.entries()) {
      augment(imageAt(this.#data, at), shape, augmentation, random, shown);
      for (let i = 0; i < length; i++) pixels[row * length + i] = (shown[i] ?? 0) * PIXEL_SCALE;
      const target = row * classes + (labels[at] ?? 0);
      targets[target] = (targets[target] ?? 0) + 1 - labelSmoothing;
    }
    return { count: chosen.length, pixels, targets };
  }

  #shuffleFor(epoch: number): void {
    if (epoch === this.#epoch) return;
    for (let at = 0; at < this.#order.length; at++) this.#order[at] = at;
    shuffle(this.#order, randomNumbers(seedOf(this.#seed, ORDER, epoch)));
    this.#epoch = epoch;
  }
}
