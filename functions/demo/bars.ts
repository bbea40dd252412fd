import type { Prediction } from './api.ts';
import { made, span } from './dom.ts';

/** A row for each: label, bar, value. */
export const barsOf = (predictions: readonly Prediction[]): HTMLLIElement[] => predictions.map(bar);

function bar(prediction: Prediction): HTMLLIElement {
  const row = made('li');
  row.append(...barParts(prediction));
  return row;
}

/** Label, bar, value. */
export function barParts({ label, score }: Pick<Prediction, 'label' | 'score'>): HTMLElement[] {
  const name = span('label', spaced(label));
  name.title = spaced(label);
  const track = span('track', '');
  const fill = span('fill', '');
  track.append(fill);
  fill.style.width = `${score * 100}%`;
  return [name, track, span('value', percent(score))];
}

/** ImageNet's names have underscores for spaces; a line can only break at spaces. */
export const spaced = (label: string): string => label.replaceAll('_', ' ');

/** Never 0 or 100 where it only rounds to it. */
export function percent(score: number): string {
  if (score > 0 && score < 0.001) return '< 0.1 %';
  return score < 1 && score >= 0.9995 ? '> 99.9 %' : `${(score * 100).toFixed(1)} %`;
}
