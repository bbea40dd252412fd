import type { ModelInput } from '../catalogue/manifest.ts';
import { part } from './dom.ts';
import type { Picture } from './picture.ts';
import { seenBy } from './seen.ts';

/** Small pictures are shown as the squares that they are; larger ones smoothly. */
const PIXEL_ART_SIDE = 64;

/** The picture twice: as it was given, and as the model sees it. */
export class PictureView {
  readonly #given: HTMLElement;
  readonly #image: HTMLImageElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #caption: HTMLElement;

  constructor(root: HTMLElement) {
    this.#given = part(root, '#given', HTMLElement);
    this.#image = part(this.#given, '#picture', HTMLImageElement);
    this.#canvas = part(root, '#seen', HTMLCanvasElement);
    this.#caption = part(root, '#seen-caption', HTMLElement);
  }

  /** A picture that the browser cannot read leaves both empty: whether the service can is for the service to say. */
  async show(picture: Picture, input: ModelInput, signal: AbortSignal): Promise<void> {
    this.#clear(input);
    const bitmap = await createImageBitmap(picture.blob, { colorSpaceConversion: 'none' }).catch(() => null);
    if (!bitmap) return;
    try {
      if (signal.aborted) return;
      const pixels = seenBy(bitmap, input);
      this.#canvas.getContext('2d')?.putImageData(pixels, 0, 0);
      const size = `${input.width}\u00a0×\u00a0${input.height}`;
      this.#caption.textContent = `What the model sees: ${size}, ${input.channels === 'grey' ? 'grey' : 'colour'}`;
      this.#canvas.setAttribute('aria-label', `The picture as the model sees it, ${size} pixels`);
      this.#showGiven(picture, bitmap);
    } finally {
      bitmap.close();
    }
  }

  #showGiven({ blob, name }: Picture, { width, height }: ImageBitmap): void {
    this.#image.src = URL.createObjectURL(blob);
    this.#image.alt = 'The picture as it was given';
    this.#image.classList.toggle('pixels', Math.max(width, height) <= PIXEL_ART_SIDE);
    part(this.#given, 'figcaption', HTMLElement).textContent = `${name}, ${width} × ${height}`;
    this.#given.hidden = false;
  }

  #clear({ width, height }: ModelInput): void {
    // Setting a canvas' size empties it.
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#canvas.classList.toggle('pixels', Math.max(width, height) <= PIXEL_ART_SIDE);
    this.#canvas.setAttribute('aria-label', 'Nothing to see');
    this.#caption.textContent = 'What the model sees';
    this.#given.hidden = true;
    if (this.#image.src) URL.revokeObjectURL(this.#image.src);
    this.#image.removeAttribute('src');
  }
}
