import type { Answer, Prediction } from './api.ts';
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

  show(answer: Answer): void {
    const { predictions, model, milliseconds, where, unknown, near_tie: nearTie, cascade } = answer;
    const [best] = predictions;
    this.#head(best);
    this.#text('#doubt', doubtOf(unknown?.is_unknown === true, nearTie === true));
    this.#text('#label-set', setOf(answer));
    this.#text(
      '#facts',
      `${time(milliseconds)} ${where ? placeOf(where.threads) : 'there and back'} · ${model.id}, revision ${model.revision}${cascade ? WHO[cascade.answered_by] : ''}`,
    );
    part(this.#root, '#bars', HTMLElement).replaceChildren(...barsOf(predictions));
    this.#text(
      '#status',
      best ? `${spaced(best.label)}, ${percent(best.score)}. Answered in ${time(milliseconds)}.` : 'No answer.',
    );
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

  #text(selector: string, text: string): void {
    part(this.#root, selector, HTMLElement).textContent = text;
  }
}

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
