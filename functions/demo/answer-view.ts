import type { Answer, Prediction } from './api.ts';
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

  show({ predictions, model, milliseconds }: Answer): void {
    const [best] = predictions;
    this.#head(best);
    this.#text('#facts', `${time(milliseconds)} there and back · ${model.id}, revision ${model.revision}`);
    part(this.#root, '#bars', HTMLElement).replaceChildren(...predictions.map(bar));
    this.#text(
      '#status',
      best ? `${spaced(best.label)}, ${percent(best.score)}. Answered in ${time(milliseconds)}.` : 'No answer.',
    );
  }

  /** After a problem there is no answer: the one before would be taken for it. */
  clear(): void {
    this.#head(undefined);
    this.#text('#facts', '');
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

function bar({ label, score }: Prediction): HTMLLIElement {
  const row = document.createElement('li');
  const name = span('label', spaced(label));
  name.title = spaced(label);
  const track = span('track', '');
  const fill = span('fill', '');
  track.append(fill);
  fill.style.width = `${score * 100}%`;
  row.append(name, track, span('value', percent(score)));
  return row;
}

function span(className: string, text: string): HTMLSpanElement {
  const element = document.createElement('span');
  element.className = className;
  element.textContent = text;
  return element;
}

/** ImageNet's names have underscores for spaces; a line can only break at spaces. */
export const spaced = (label: string): string => label.replaceAll('_', ' ');

/** Never 0 or 100 where it only rounds to it. */
function percent(score: number): string {
  if (score > 0 && score < 0.001) return '< 0.1 %';
  return score < 1 && score >= 0.9995 ? '> 99.9 %' : `${(score * 100).toFixed(1)} %`;
}

const time = (milliseconds: number) => `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
