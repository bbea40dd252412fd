import { highest, type Predictions, probabilitiesAt } from './predictions.ts';

/** An image that was taken for another class. */
export interface Mistake {
  /** Position in the set. */
  readonly at: number;
  readonly label: number;
  readonly predicted: number;
  /** Of the class it was taken for, and of its own. */
  readonly probability: number;
  readonly trueProbability: number;
}

/** All of them, the highest loss (the least probability of the true class) first. */
export function mistakesOf(predictions: Predictions, temperature: number): Mistake[] {
  const { data, classes } = predictions;
  const probabilities = probabilitiesAt(predictions, temperature);
  const mistakes: Mistake[] = [];
  for (const [at, label] of data.labels.entries()) {
    const row = probabilities.subarray(at * classes, (at + 1) * classes);
    const predicted = highest(row);
    if (predicted === label) continue;
    mistakes.push({ at, label, predicted, probability: row[predicted] ?? 0, trueProbability: row[label] ?? 0 });
  }
  return mistakes.sort((a, b) => a.trueProbability - b.trueProbability || a.at - b.at);
}

/** What a class is taken for when it is not found. */
export interface TakenFor {
  readonly label: number;
  readonly images: number;
  readonly wrong: number;
  /** The class that most of the wrong ones are taken for (of equals the first), and how many; none where none is wrong. */
  readonly most: { readonly label: number; readonly count: number } | undefined;
}

/** In the order of the classes. @param confusion `[true class][predicted class]` */
export function takenFor(confusion: readonly (readonly number[])[]): TakenFor[] {
  return confusion.map((row, label) => {
    const images = row.reduce((sum, count) => sum + count, 0);
    const wrong = images - (row[label] ?? 0);
    const others = row.map((count, other) => (other === label ? 0 : count));
    const count = Math.max(...others);
    return { label, images, wrong, most: count > 0 ? { label: others.indexOf(count), count } : undefined };
  });
}
