import type { Answer, Model, Prediction } from './api.ts';
import { barsOf, percent, spaced } from './bars.ts';
import { part } from './dom.ts';
import { Problem } from './problem.ts';

/** A second model that is asked the same: one with as many answers to give, such as the float one that it was made from. */
export class CompareView {
  readonly #label: HTMLElement;
  readonly #select: HTMLSelectElement;
  readonly #note: HTMLElement;
  readonly #mine: HTMLElement;
  readonly #other: HTMLElement;
  #model: Model | undefined;
  #others: readonly Model[] = [];

  constructor(root: HTMLElement, onChange: () => void) {
    this.#label = part(root, '.compare', HTMLElement);
    this.#select = part(this.#label, 'select', HTMLSelectElement);
    this.#note = part(root, '#compare-note', HTMLElement);
    this.#mine = part(root, '#mine', HTMLElement);
    this.#other = part(root, '#other', HTMLElement);
    this.#select.addEventListener('change', onChange);
  }

  get chosen(): Model | undefined {
    return this.#others.find(({ id }) => id === this.#select.value);
  }

  /** Those that a model can be compared with; the choice stays where it can. */
  offer(model: Model, models: readonly Model[]): void {
    const before = this.#select.value;
    this.#model = model;
    this.#others = models.filter(({ id, classes }) => id !== model.id && classes === model.classes);
    const names = this.#others.map(({ id, title }) => new Option(title, id));
    this.#select.replaceChildren(new Option('no other', ''), ...names);
    this.#select.value = this.#others.some(({ id }) => id === before) ? before : '';
    this.#label.hidden = this.#others.length === 0;
    this.clear();
  }

  /** The other's bars beside the first's, and in words whether both say the same. */
  show(first: Answer, second: Answer): void {
    const [mine] = first.predictions;
    const [other] = second.predictions;
    if (!mine || !other) return;
    const agrees = mine.index === other.index ? 'agrees' : 'disagrees';
    this.#note.textContent =
      `${second.model.id} ${agrees}: ${spaced(other.label)}, ${percent(other.score)}, ` +
      `in ${Math.round(second.milliseconds)} ms. ${gapOf(first.predictions, second.predictions)}`;
    this.#mine.textContent = this.#model?.title ?? first.model.id;
    part(this.#other, 'h3', HTMLElement).textContent = this.chosen?.title ?? second.model.id;
    part(this.#other, 'ol', HTMLElement).replaceChildren(...barsOf(second.predictions));
    this.#mine.hidden = this.#other.hidden = false;
  }

  /** The other's failure takes nothing from the first answer. */
  fail(error: unknown): void {
    const { title, message } = Problem.from(error);
    this.#note.textContent = `${this.chosen?.id ?? 'The other'} gave no answer: ${title.replace(/\.$/, '')}. ${message}`;
  }

  clear(): void {
    this.#note.textContent = '';
    this.#mine.hidden = this.#other.hidden = true;
  }
}

/** By how much scores differ at most, among the classes that both gave. */
function gapOf(first: readonly Prediction[], second: readonly Prediction[]): string {
  const gaps = first.flatMap(({ index, score }) => {
    const same = second.find((prediction) => prediction.index === index);
    return same ? [Math.abs(same.score - score)] : [];
  });
  return gaps.length > 0 ? `Scores differ by ${(100 * Math.max(...gaps)).toFixed(1)} points at most.` : '';
}
