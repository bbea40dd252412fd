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
      this.#facts.textContent = this.#tell(model);
      onChange(model);
    });
  }

  get models(): readonly Model[] {
    return this.#models;
  }

  get chosen(): Model | undefined {
    return this.#models.find(({ id }) => id === this.#select.value);
  }

  /** Offers these; the first is chosen, one of garments where there is one: the page's samples are garments. */
  offer(models: readonly Model[]): void {
    const garments = ({ input }: Model) => Number(input.resize.rule === 'fashion');
    this.#models = models.toSorted((a, b) => garments(b) - garments(a));
    this.#select.replaceChildren(...this.#models.map(({ id, title }) => new Option(title, id)));
    this.#select.disabled = false;
    this.#select.hidden = models.length < 2;
    const [first] = this.#models;
    this.#facts.textContent = first ? this.#tell(first) : 'None is deployed yet: npm run train makes one.';
  }

  /** One model alone needs no chooser, but it keeps its name. */
  #tell(model: Model): string {
    return this.#models.length < 2 ? `${model.title} · ${factsOf(model)}` : factsOf(model);
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
    RUNTIMES[runtime],
  ];
  return facts.filter(Boolean).join(' · ');
}

const RUNTIMES: Readonly<Record<Model['runtime'], string>> = { tfjs: 'TF.js, float32', int8: '8-bit integers' };

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
