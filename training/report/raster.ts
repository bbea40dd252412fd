import sharp from 'sharp';
import { escapeHtml } from './plot.ts';
import { type Drawing, rect } from './svg.ts';
import { LIGHT_PLOT } from './theme.ts';

const MARGIN = 16;

/** A drawing on white as PNG, for who looks without a browser: 256 colours keep it small. */
export function rasterise({ title, width, height, body }: Drawing): Promise<Buffer> {
  const [w, h] = [width + 2 * MARGIN, height + 2 * MARGIN];
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${w} ${h}" width="${w}" height="${h}">`,
    `<title>${escapeHtml(title)}</title><style>${LIGHT_PLOT}</style>`,
    rect(0, 0, w, h, 'class="surface"'),
    `<g transform="translate(${MARGIN} ${MARGIN})">${body}</g></svg>`,
  ];
  return sharp(Buffer.from(svg.join('')), { limitInputPixels: false, unlimited: true })
    .flatten({ background: '#ffffff' })
    .png({ palette: true, compressionLevel: 9 })
    .toBuffer();
}
