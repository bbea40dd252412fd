import { part } from './dom.ts';
import { keepKey, keptKey } from './request.ts';

/** A key for services that ask for one; open where the service has just asked. */
export class KeyField {
  readonly #box: HTMLDetailsElement;
  readonly #input: HTMLInputElement;

  constructor(box: HTMLDetailsElement, onChange: () => void) {
    this.#box = box;
    this.#input = part(box, 'input', HTMLInputElement);
    this.#input.value = keptKey();
    part(box, 'form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      keepKey(this.#input.value.trim());
      this.#box.open = false;
      onChange();
    });
  }

  ask(): void {
    this.#box.open = true;
    this.#input.focus();
  }
}
