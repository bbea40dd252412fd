import { createHash } from 'node:crypto';
import { imageAt, type LabelledImages } from './labelled-images.ts';

/** Of Fashion-MNIST's 60,000: 5,000 validate, 55,000 train. */
const SHARE = 1 / 12;

/**
 * Takes a share of each class out of what trains, to validate with: training stops by it and temperature is fitted on it,
 * so that the test set decides nothing. Which images follows from their content alone; both parts keep the order.
 */
export function holdOut(data: LabelledImages): { readonly train: LabelledImages; readonly validation: LabelledImages } {
  const ranked = Array.from({ length: data.count }, (_, at) => ({ at, rank: rankOf(imageAt(data, at)) }));
  ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  const out = new Set<number>();
  for (const label of data.classNames.keys()) {
    const own = ranked.filter(({ at }) => data.labels[at] === label);
    for (const { at } of own.slice(0, Math.round(own.length * SHARE))) out.add(at);
  }
  return { train: chosen(data, (at) => !out.has(at)), validation: chosen(data, (at) => out.has(at)) };
}

function chosen(data: LabelledImages, wanted: (at: number) => boolean): LabelledImages {
  const places = Array.from(data.labels.keys()).filter(wanted);
  const images = new Uint8Array((places.length * data.images.length) / Math.max(data.count, 1));
  for (const [to, at] of places.entries()) images.set(imageAt(data, at), to * imageAt(data, at).length);
  return { ...data, images, labels: Uint8Array.from(places, (at) => data.labels[at] ?? 0), count: places.length };
}

const rankOf = (image: Uint8Array): string => createHash('sha256').update(image).digest('hex');
