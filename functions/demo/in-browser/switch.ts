import type { Model } from '../api.ts';
import { part } from '../dom.ts';

/** What the visitor chose, kept on this device. */
const KEPT = 'in-browser';

const megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);

/** Whether networks run in this browser; how much of one has come. */
export class HereSwitch {
  readonly #root: HTMLElement;
  readonly #box: HTMLInputElement;
  readonly #bar: HTMLProgressElement;
  readonly #note: HTMLElement;
  #offered = false;

  /** @param onChange after the visitor turned it */
  constructor(root: HTMLElement, onChange: () => void) {
    this.#root = root;
    this.#box = part(root, 'input', HTMLInputElement);
    this.#bar = part(root, 'progress', HTMLProgressElement);
    this.#note = part(root, '#here-note', HTMLElement);
    this.#box.checked = localStorage.getItem(KEPT) === 'on';
    this.#box.addEventListener('change', () => {
      if (this.#box.checked) localStorage.setItem(KEPT, 'on');
      else localStorage.removeItem(KEPT);
      this.#keepPage();
      this.#tell();
      onChange();
    });
    this.#keepPage();
  }

  /** Whether the chosen model is to run here. */
  get on(): boolean {
    return this.#offered && this.#box.checked;
  }

  /** Float models are too large a thing to bring along. */
  offer({ runtime }: Model): void {
    this.#offered = runtime === 'int8' && 'serviceWorker' in navigator;
    this.#root.hidden = !this.#offered;
    this.#tell();
  }

  progress(loadedBytes: number, totalBytes: number): void {
    const done = loadedBytes >= totalBytes;
    this.#bar.hidden = done;
    this.#bar.max = totalBytes;
    this.#bar.value = loadedBytes;
    if (done) this.#tell();
    else this.#note.textContent = `${megabytes(loadedBytes)} of ${megabytes(totalBytes)} MB are here.`;
  }

  #tell(): void {
    this.#note.textContent = this.on ? 'No picture leaves this device, and it works offline.' : '';
  }

  /** Once it ran here, the page comes up offline too. */
  #keepPage(): void {
    if (!this.#box.checked || !('serviceWorker' in navigator)) return;
    // Without it only this visit needs the service.
    navigator.serviceWorker.register('/page/offline.js', { scope: '/' }).catch(console.error);
  }
}
