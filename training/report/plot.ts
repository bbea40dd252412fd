export interface BarPlot {
  readonly title: string;
  readonly unit: string;
  readonly names: readonly string[];
  readonly values: readonly number[];
}

const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM] = [960, 260, 56, 28, 24];

/** Bars from zero, one a name, as stand-alone SVG; pointing at a bar shows its name and value. */
export function bars({ title, unit, names, values }: BarPlot): string {
  const [low, high] = [Math.min(0, ...values), Math.max(1e-9, ...values)];
  const y = (value: number) => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const step = (WIDTH - LEFT) / Math.max(values.length, 1);
  const rects = values.map((value, index) => {
    const [top, bottom] = [y(Math.max(value, 0)), y(Math.min(value, 0))];
    const place = `x="${fixed(LEFT + index * step + step * 0.1)}" y="${fixed(top)}"`;
    const size = `width="${fixed(step * 0.8)}" height="${fixed(bottom - top)}"`;
    return `<rect ${place} ${size}><title>${escapeHtml(names[index] ?? '')}: ${short(value)} ${unit}</title></rect>`;
  });
  const lines = ticks(low, high).map((tick) => {
    const at = fixed(y(tick));
    return `<line x1="${LEFT}" x2="${WIDTH}" y1="${at}" y2="${at}"/><text x="${LEFT - 6}" y="${at}" dy="4" text-anchor="end">${short(tick)}</text>`;
  });
  return [
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(title)}">`,
    `<text x="${LEFT}" y="16" class="title">${escapeHtml(title)} (${unit})</text>`,
    `<g class="axis">${lines.join('')}</g><g class="bars">${rects.join('')}</g>`,
    `<text x="${WIDTH}" y="${HEIGHT - 6}" text-anchor="end">layers, from the input on</text></svg>`,
  ].join('\n');
}

/** Four or five round numbers over a range. */
export function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, index) => (first + index) * step);
}

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

const fixed = (value: number) => value.toFixed(1);
const short = (value: number) => (Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3))));
