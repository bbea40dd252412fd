import { imageAt, type LabelledImages } from './labelled-images.ts';

/** One in so many. */
const EVERY = 12;

/**
 * The part of a training set that training does not see, so that one can tell when to stop, and fit what is fitted after
 * training, without the test set: 5,000 of Fashion-MNIST's 60,000 images. Always the same ones, whatever the seed.
 */
export function withoutValidation(data: LabelledImages): { training: LabelledImages; validation: LabelledImages } {
  const isValidation = (at: number) => at % EVERY === EVERY - 1;
  return { training: pick(data, (at) => !isValidation(at)), validation: pick(data, isValidation) };
}

/** Every other image, and those between. */
export const halvesOf = (data: LabelledImages): [LabelledImages, LabelledImages] => [
  pick(data, (at) => at % 2 === 0),
  pick(data, (at) => at % 2 === 1),
];

function pick(data: LabelledImages, chosen: (at: number) => boolean): LabelledImages {
  const numbers = [...Array(data.count).keys()].filter(chosen);
  const bytes = data.images.length / data.count;
  const images = new Uint8Array(numbers.length * bytes);
  for (const [to, at] of numbers.entries()) images.set(imageAt(data, at), to * bytes);
  return { ...data, images, labels: Uint8Array.from(numbers, (at) => data.labels[at] ?? 0), count: numbers.length };
}
