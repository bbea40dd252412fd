import { part } from './dom.ts';
import type { Problem, Remedy } from './problem.ts';

const BUTTONS: Readonly<Record<Remedy, string>> = { retry: 'Try again', shrink: 'Send a smaller copy' };

/** The place where problems are told; a screen reader reads it at once. */
export class ProblemView {
  readonly #box: HTMLElement;
  readonly #button: HTMLButtonElement;
  #remedy: Remedy | undefined;

  constructor(box: HTMLElement, onRemedy: (remedy: Remedy) => void) {
    this.#box = box;
    this.#button = part(box, 'button', HTMLButtonElement);
    this.#button.addEventListener('click', () => this.#remedy && onRemedy(this.#remedy));
  }

  show(problem: Problem): void {
    part(this.#box, 'h2', HTMLElement).textContent = problem.title;
    part(this.#box, 'p', HTMLElement).textContent = problem.message;
    this.#remedy = problem.remedy;
    this.#button.hidden = !problem.remedy;
    if (problem.remedy) this.#button.textContent = BUTTONS[problem.remedy];
    this.#box.hidden = false;
    this.#box.scrollIntoView({ block: 'nearest' });
  }

  hide(): void {
    this.#box.hidden = true;
  }
}
