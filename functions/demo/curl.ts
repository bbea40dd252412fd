import { classifyPath, contentTypeOf, type Wishes } from './api.ts';
import { part } from './dom.ts';
import type { Picture } from './picture.ts';

/** What does in a terminal (POSIX shell) what the page just did. A sample is fetched first, a file is taken from the folder. */
export function curlLine({ blob, name, path }: Picture, address: string, origin: string): string {
  const post = `curl -s --data-binary ${quote(path ? '@-' : `@${name}`)} \\
-H ${quote(`content-type: ${contentTypeOf(blob)}`)} \\
${quote(origin + address)}`;
  return path ? `curl -s ${quote(origin + path)} |\n${post}` : post;
}

/** Single quotes keep everything but themselves (POSIX.1, Shell Command Language, 2.2.2). */
const quote = (text: string): string => (/^[\w@./:=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

export class CurlView {
  readonly #box: HTMLElement;

  constructor(box: HTMLElement) {
    this.#box = box;
    const button = part(box, 'button', HTMLButtonElement);
    button.addEventListener('click', async () => {
      const copied = await navigator.clipboard?.writeText(this.#code.textContent ?? '').then(
        () => true,
        () => false,
      );
      if (!copied) getSelection()?.selectAllChildren(this.#code);
      button.textContent = copied ? 'Copied' : 'Selected: copy it';
      setTimeout(() => (button.textContent = 'Copy'), 2_000);
    });
  }

  show(picture: Picture, model: string, wishes: Wishes): void {
    this.#code.textContent = curlLine(picture, classifyPath(model, wishes), location.origin);
    this.#box.hidden = false;
  }

  get #code(): HTMLElement {
    return part(this.#box, 'code', HTMLElement);
  }
}
