import type { Explanation } from './api.ts';
import { spaced } from './bars.ts';
import { part } from './dom.ts';

const METHODS: Readonly<Record<Explanation['method'], string>> = {
  cam: 'by its class activation map',
  occlusion: 'by covering one part after another',
};

/** Heat over the given picture, and the same in words. */
export class ExplanationView {
  readonly #given: HTMLElement;
  readonly #heat: HTMLImageElement;
  readonly #legend: HTMLElement;
  readonly #note: HTMLElement;
  readonly #toggle: HTMLInputElement;

  constructor(root: HTMLElement, onToggle: () => void) {
    this.#given = part(root, '#given', HTMLElement);
    this.#heat = part(root, '#heat', HTMLImageElement);
    this.#legend = part(root, '#legend', HTMLElement);
    this.#note = part(root, '#explain-note', HTMLElement);
    this.#toggle = part(root, '#explain', HTMLInputElement);
    this.#toggle.addEventListener('change', onToggle);
  }

  /** Whether the visitor asks for explanations. */
  get wanted(): boolean {
    return this.#toggle.checked;
  }

  /** Heat of another picture would mislead, so it goes at once. */
  clear(note = ''): void {
    this.#given.classList.remove('explained');
    this.#heat.hidden = true;
    this.#heat.removeAttribute('src');
    this.#legend.hidden = true;
    this.#note.textContent = note;
  }

  wait(): void {
    this.clear('Looking…');
  }

  show({ method, class: { label }, picture, hottest, image }: Explanation): void {
    const name = spaced(label);
    const place = placeOf(hottest.x / picture.width, hottest.y / picture.height);
    this.#heat.src = `data:image/png;base64,${image.png}`;
    this.#heat.alt = `Heat map: ${name} is seen most ${place} of the picture`;
    this.#heat.hidden = false;
    this.#legend.hidden = false;
    this.#given.classList.add('explained');
    this.#note.textContent = `It sees ${name} most ${place} of the picture, ${METHODS[method]}.`;
  }
}

/** In words, by thirds. @param x @param y 0…1 from the upper left */
function placeOf(x: number, y: number): string {
  const row = ['upper', '', 'lower'][third(y)] ?? '';
  const column = ['left', 'middle', 'right'][third(x)] ?? '';
  return row === '' && column === 'middle' ? 'in the middle' : `at the ${[row, column].filter(Boolean).join(' ')}`;
}

const third = (share: number): number => Math.min(Math.floor(share * 3), 2);
