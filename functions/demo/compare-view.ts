import { spaced } from './answer-view.ts';
import type { Answer, Model } from './api.ts';
import { part } from './dom.ts';

/** A second model that is asked the same: one with as many answers to give, such as the float one that it was made from. */
export class CompareView {
  readonly #label: HTMLElement;
  readonly #select: HTMLSelectElement;
  readonly #note: HTMLElement;
  #others: readonly Model[] = [];

  constructor(root: HTMLElement, onChange: () => void) {
    this.#label = part(root, '.compare', HTMLElement);
    this.#select = part(this.#label, 'select', HTMLSelectElement);
    this.#note = part(root, '#compare-note', HTMLElement);
    this.#select.addEventListener('change', onChange);
  }

  get chosen(): Model | undefined {
    return this.#others.find(({ id }) => id === this.#select.value);
  }

  /** Those that a model can be compared with; the choice stays where it can. */
  offer(model: Model, models: readonly Model[]): void {
    const before = this.#select.value;
    this.#others = models.filter(({ id, classes }) => id !== model.id && classes === model.classes);
    const names = this.#others.map(({ id, title }) => new Option(title, id));
    this.#select.replaceChildren(new Option('no other', ''), ...names);
    this.#select.value = this.#others.some(({ id }) => id === before) ? before : '';
    this.#label.hidden = this.#others.length === 0;
    this.clear();
  }

  /** Whether both say the same, and by how much their scores differ at most, among those that both gave. */
  show(first: Answer, second: Answer): void {
    const [mine] = first.predictions;
    const [other] = second.predictions;
    if (!mine || !other) return;
    const gaps = first.predictions.map(({ index, score }) => {
      const same = second.predictions.find((prediction) => prediction.index === index);
      return same ? Math.abs(same.score - score) : 0;
    });
    const agrees = mine.index === other.index ? 'agrees' : 'disagrees';
    this.#note.textContent =
      `${second.model.id} ${agrees}: ${spaced(other.label)}, ${(100 * other.score).toFixed(1)} %, ` +
      `in ${Math.round(second.milliseconds)} ms. Scores differ by ${(100 * Math.max(...gaps)).toFixed(1)} points at most.`;
  }

  clear(): void {
    this.#note.textContent = '';
  }
}
