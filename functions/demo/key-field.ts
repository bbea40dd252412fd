import { part } from './dom.ts';
import { keepKey, keptKey } from './request.ts';

/** A key for services that ask for one; open where the service has just asked. */
export class KeyField {
  readonly #box: HTMLDetailsElement;

  constructor(box: HTMLDetailsElement, onChange: () => void) {
    this.#box = box;
    const input = part(box, 'input', HTMLInputElement);
    input.value = keptKey();
    part(box, 'form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      keepKey(input.value.trim());
      this.#box.open = false;
      onChange();
    });
  }

  ask(): void {
    this.#box.open = true;
  }
}
