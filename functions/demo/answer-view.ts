import type { Answer, Model, Prediction } from './api.ts';
import { barsOf, percent, spaced } from './bars.ts';
import { part } from './dom.ts';

/** The label, the ten bars and the time; the same once more in words, for those who listen. */
export class AnswerView {
  readonly #root: HTMLElement;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  /** The old answer stays, dimmed, until the new one is here. */
  wait(): void {
    this.#root.setAttribute('aria-busy', 'true');
  }

  get waiting(): boolean {
    return this.#root.hasAttribute('aria-busy');
  }

  /** @param task of the model: where classes do not exclude each other, all that are named stand above the bars */
  show(answer: Answer, task: Model['task'] = 'image-classification'): void {
    const { predictions, model, milliseconds, where, unknown, near_tie: nearTie, cascade } = answer;
    const [best] = predictions;
    const isMultilabel = task === 'multilabel';
    if (isMultilabel) this.#several(predictions);
    else this.#head(best);
    part(this.#root, '#bars', HTMLElement).setAttribute('aria-label', isMultilabel ? EACH : EXCLUSIVE);
    this.#text('#doubt', doubtOf(unknown?.is_unknown === true, nearTie === true));
    this.#text('#label-set', setOf(answer));
    this.#text(
      '#facts',
      `${time(milliseconds)} ${where ? placeOf(where.threads) : 'there and back'} · ${model.id}, revision ${model.revision}${cascade ? WHO[cascade.answered_by] : ''}`,
    );
    part(this.#root, '#bars', HTMLElement).replaceChildren(...barsOf(predictions));
    const heard = isMultilabel ? predictions : predictions.slice(0, 1);
    const words = heard.map(({ label, score }) => `${spaced(label)}, ${percent(score)}`).join('; ');
    this.#text('#status', best ? `${words}. Answered in ${time(milliseconds)}.` : 'No answer.');
  }

  /** After a problem there is no answer: the one before would be taken for it. */
  clear(): void {
    this.#head(undefined);
    this.#text('#facts', '');
    this.#text('#doubt', '');
    this.#text('#label-set', '');
    this.#text('#status', '');
    part(this.#root, '#bars', HTMLElement).replaceChildren();
  }

  #head(best: Prediction | undefined): void {
    this.#root.removeAttribute('aria-busy');
    this.#text('#best', best ? spaced(best.label) : 'No answer');
    part(this.#root, '#best', HTMLElement).classList.toggle('none', !best);
    this.#text('#best-score', best ? percent(best.score) : '');
  }

  /** Every class that was named, each with a score of its own. */
  #several(predictions: readonly Prediction[]): void {
    this.#head(undefined);
    const names = predictions.map(({ label }) => spaced(label)).join(' + ');
    this.#text('#best', names || 'None of its classes');
    part(this.#root, '#best', HTMLElement).classList.toggle('none', names === '');
  }

  #text(selector: string, text: string): void {
    part(this.#root, selector, HTMLElement).textContent = text;
  }
}

const EXCLUSIVE = 'Probabilities, highest first';
const EACH = 'Classes that were named, each with a probability of its own, highest first';

const placeOf = (threads: number) => (threads > 1 ? `in this browser, ${threads} threads` : 'in this browser');

/** Of two networks. */
const WHO: Readonly<Record<'first' | 'second', string>> = {
  first: ': the small network was sure enough',
  second: ': the small network was not sure, so the large one answered',
};

/** More labels than that tell nobody anything. */
const MOST_LABELS = 8;

/** The labels that hold the truth as often as was asked for; of an unknown thing none does. */
function setOf({ label_set: set, unknown }: Answer): string {
  if (!set || unknown?.is_unknown) return '';
  const often = `${Math.round(set.coverage * 100)} times of 100 a list like this holds the truth`;
  const names = set.labels.slice(0, MOST_LABELS).map(({ label }) => spaced(label));
  const more = set.labels.length - names.length;
  if (names.length === 1) return `${often}: ${names[0]} alone.`;
  return `${often}: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}.`;
}

function doubtOf(isUnknown: boolean, isNearTie: boolean): string {
  if (isUnknown) return 'It may be none of these: the picture is unlike those that the model learned from.';
  return isNearTie ? 'A near tie: computing in integers may have exchanged the first two.' : '';
}

const time = (milliseconds: number) => `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
