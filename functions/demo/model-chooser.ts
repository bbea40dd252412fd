import type { Detail, Model } from './api.ts';
import { certaintyOf } from './certainty.ts';
import { made, part } from './dom.ts';
import { factsOf, modelCard } from './model-card.ts';

/** From here on the cards stand open: beside the answer, not above it. As in the stylesheets. */
const WIDE = '(min-width: 56rem)';

/** Which model answers: a card each. The facts of the chosen one stand below, so that a figure never lacks its data set. */
export class ModelChooser {
  readonly #details: HTMLDetailsElement;
  readonly #cards: HTMLElement;
  readonly #facts: HTMLElement;
  readonly #certainty: HTMLElement;
  #models: readonly Model[] = [];

  constructor(root: HTMLElement, onChange: (model: Model) => void) {
    this.#details = part(root, 'details', HTMLDetailsElement);
    this.#cards = part(root, 'fieldset', HTMLElement);
    this.#facts = part(root, '#model-facts', HTMLElement);
    this.#certainty = part(root, '#certainty', HTMLElement);
    this.#cards.addEventListener('change', () => {
      const model = this.chosen;
      if (!model) return;
      this.#tell(model);
      onChange(model);
    });
  }

  get models(): readonly Model[] {
    return this.#models;
  }

  get chosen(): Model | undefined {
    const checked = this.#cards.querySelector<HTMLInputElement>(':checked')?.value;
    return this.#models.find(({ id }) => id === checked);
  }

  /** The best is chosen, of garments where there is one: the page's samples are garments. A choice that was made stays. */
  offer(models: readonly Model[]): void {
    const before = this.chosen?.id;
    // Whoever wants two networks says so.
    const rank = ({ input, metrics, cascade }: Model) =>
      Number(input.resize.rule === 'fashion') + (metrics?.top1 ?? 0) - (cascade ? 2 : 0);
    this.#models = models.toSorted((a, b) => rank(b) - rank(a));
    const chosen = this.#models.find(({ id }) => id === before) ?? this.#models[0];
    for (const card of this.#cards.querySelectorAll('.card')) card.remove();
    this.#cards.append(...this.#models.map((model) => modelCard(model, model === chosen)));
    this.#details.hidden = !chosen;
    this.#details.open = matchMedia(WIDE).matches;
    if (chosen) this.#tell(chosen);
    else this.#facts.textContent = 'None is deployed yet: npm run train makes one.';
  }

  #tell(model: Model): void {
    part(this.#details, '#chosen', HTMLElement).textContent = model.title;
    this.#facts.textContent = factsOf(model);
  }

  /** How far its answers can be trusted, when that has come and the model is still the chosen one. */
  async tellCertainty(model: Model, detail: Promise<Detail>): Promise<void> {
    this.#certainty.hidden = true;
    const facts = certaintyOf((await detail).certainty);
    if (this.chosen?.id !== model.id) return;
    part(this.#certainty, 'ul', HTMLElement).replaceChildren(...facts.map((fact) => made('li', fact)));
    this.#certainty.hidden = facts.length === 0;
  }

  /** In place of the facts, where the models could not be had. */
  fail(why: string): void {
    this.#facts.textContent = why;
  }
}
