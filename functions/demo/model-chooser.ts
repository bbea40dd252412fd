import type { Model } from './api.ts';

/** Which model answers. Its facts stand below, so that a figure never lacks its data set. */
export class ModelChooser {
  readonly #select: HTMLSelectElement;
  readonly #facts: HTMLElement;
  #models: readonly Model[] = [];

  constructor(select: HTMLSelectElement, facts: HTMLElement, onChange: (model: Model) => void) {
    this.#select = select;
    this.#facts = facts;
    select.addEventListener('change', () => {
      const model = this.chosen;
      if (!model) return;
      this.#facts.textContent = factsOf(model);
      onChange(model);
    });
  }

  get chosen(): Model | undefined {
    return this.#models.find(({ id }) => id === this.#select.value);
  }

  /** Offers these; the first is chosen. */
  offer(models: readonly Model[]): void {
    this.#models = models;
    this.#select.replaceChildren(...models.map(({ id, title }) => new Option(title, id)));
    this.#select.disabled = models.length === 0;
    const [first] = models;
    this.#facts.textContent = first ? factsOf(first) : 'No model is deployed yet: npm run train makes one.';
  }

  /** In place of the facts, where the models could not be had. */
  fail(why: string): void {
    this.#facts.textContent = why;
  }
}

function factsOf({ parameters, metrics, memory, runtime }: Model): string {
  const accuracy =
    metrics && `${percent(metrics.top1)} right on ${metrics.dataset} (${metrics.n.toLocaleString('en')} pictures)`;
  const facts = [
    accuracy,
    `${parameters.toLocaleString('en')} parameters`,
    `${megabytes(memory.total)} in memory`,
    runtime,
  ];
  return facts.filter(Boolean).join(' · ');
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
