import { spaced } from './bars.ts';
import { made, part, pressed } from './dom.ts';
import type { Picture } from './picture.ts';

/** Older ones are forgotten: each holds a picture in memory. */
const KEPT = 24;

/** What was asked since the page was opened, newest first; a click brings a picture back. */
export class HistoryView {
  readonly #section: HTMLElement;
  readonly #list: HTMLElement;
  readonly #onChoose: (picture: Picture) => void;
  readonly #rows = new Map<Blob, HTMLLIElement>();

  constructor(section: HTMLElement, onChoose: (picture: Picture) => void) {
    this.#section = section;
    this.#list = part(section, 'ol', HTMLElement);
    this.#onChoose = onChoose;
  }

  /** @param said the first label, or why there is none. A picture that was there before moves to the front. */
  add(picture: Picture, said: string, model: string): void {
    this.#forget(picture.blob);
    const row = made('li');
    const button = pressed('', () => this.#onChoose(picture));
    const image = made('img');
    image.src = URL.createObjectURL(picture.blob);
    image.className = 'thumbnail';
    // What it shows stands beside it, and its name too.
    image.alt = '';
    image.addEventListener('error', () => image.classList.add('unreadable'));
    button.append(image, made('strong', spaced(said)), made('span', picture.name), made('span', model));
    row.append(button);
    this.#list.prepend(row);
    this.#rows.set(picture.blob, row);
    const [oldest] = this.#rows.keys();
    if (this.#rows.size > KEPT && oldest) this.#forget(oldest);
    this.#section.hidden = false;
  }

  #forget(blob: Blob): void {
    const row = this.#rows.get(blob);
    if (!row) return;
    URL.revokeObjectURL(part(row, 'img', HTMLImageElement).src);
    row.remove();
    this.#rows.delete(blob);
  }
}
