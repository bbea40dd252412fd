import { escapeHtml } from './plot.ts';

/** A drawing of its own size, its colours left to classes of `theme.ts`. */
export interface Drawing {
  /** Said to who cannot see it. */
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly body: string;
}

/** As part of a page, which brings the style. */
export const inlineSvg = ({ title, width, height, body }: Drawing): string =>
  `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">${body}</svg>`;

export interface TextOptions {
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly kind?: string;
  /** Turned to run upwards. */
  readonly up?: boolean;
}

export function text(x: number, y: number, words: string, { anchor, kind, up }: TextOptions = {}): string {
  const place = up ? `transform="translate(${short(x)} ${short(y)}) rotate(-90)"` : `x="${short(x)}" y="${short(y)}"`;
  const ends = anchor && anchor !== 'start' ? ` text-anchor="${anchor}"` : '';
  return `<text ${place}${ends}${kind ? ` class="${kind}"` : ''}>${escapeHtml(words)}</text>`;
}

export function rect(x: number, y: number, width: number, height: number, more: string, tip?: string): string {
  const inside = tip === undefined ? '/>' : `><title>${escapeHtml(tip)}</title></rect>`;
  return `<rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" ${more}${inside}`;
}

/** Drawings below each other or in a row, as one. @param headline above them */
export function joined(
  title: string,
  drawings: readonly Drawing[],
  direction: 'row' | 'column',
  headline?: string,
): Drawing {
  const GAP = 24;
  let [x, y, width, height] = [0, headline === undefined ? 0 : 44, 0, 0];
  const bodies = drawings.map((drawing) => {
    const body = `<g transform="translate(${x} ${y})">${drawing.body}</g>`;
    width = Math.max(width, x + drawing.width);
    height = Math.max(height, y + drawing.height);
    if (direction === 'row') x += drawing.width + GAP;
    else y += drawing.height + GAP;
    return body;
  });
  const above = headline === undefined ? '' : text(0, 18, headline, { kind: 'headline' });
  return { title, width, height, body: above + bodies.join('') };
}

export const short = (value: number): string => String(Number(value.toFixed(2)));

/** `94.7 %`; what would be rounded to nothing is `< 0.1 %`. */
export function percent(share: number, digits = 1): string {
  if (Number.isNaN(share)) return '–';
  const least = 10 ** -digits;
  return share > 0 && 100 * share < least ? `< ${least} %` : `${(100 * share).toFixed(digits)} %`;
}

/** Cut to what fits, about; the whole is said elsewhere. */
export const cut = (words: string, length: number): string =>
  words.length <= length ? words : `${words.slice(0, length - 1)}…`;
