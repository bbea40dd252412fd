/** Colours of plots and pages, light and dark. A plot names its colours by classes, so that one drawing serves both. */
interface Colours {
  readonly surface: string;
  readonly ink: string;
  readonly muted: string;
  readonly grid: string;
  readonly first: string;
  readonly second: string;
  readonly wrong: string;
}

const LIGHT: Colours = {
  surface: '#ffffff',
  ink: '#1d2330',
  muted: '#626b7a',
  grid: '#dfe3ea',
  first: '#2a6fd1',
  second: '#d9622b',
  wrong: '#c03434',
};
const DARK: Colours = {
  surface: '#15181e',
  ink: '#e7eaef',
  muted: '#9aa4b3',
  grid: '#303641',
  first: '#5b9bf0',
  second: '#f08c58',
  wrong: '#f47a74',
};

const plotRules = ({ surface, ink, muted, grid, first, second, wrong }: Colours) => `
svg { font: 12px system-ui, 'Liberation Sans', sans-serif; fill: ${ink}; }
.surface { fill: ${surface}; } .title { font-size: 14px; font-weight: 600; } text.headline { font-size: 20px; font-weight: 600; } .note { fill: ${muted}; } .wrong { fill: ${wrong}; }
.grid { stroke: ${grid}; stroke-width: 1; fill: none; } .frame { stroke: ${muted}; stroke-width: 1; fill: none; }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; } .line.first { stroke: ${first}; } .line.second { stroke: ${second}; }
.fill.first, .heat { fill: ${first}; } .fill.second, .heat.off { fill: ${second}; } .on-heat { fill: #ffffff; }
.gap { stroke: ${wrong}; stroke-width: 1; fill: ${wrong}; fill-opacity: .25; }`;

const pageRules = ({ surface, ink, muted, grid, wrong }: Colours) => `
body { background: ${surface}; color: ${ink}; } .note { color: ${muted}; } .wrong { color: ${wrong}; }
td, th { border-bottom: 1px solid ${grid}; } figure.tile { border: 1px solid ${grid}; }`;

/** For a plot that stands alone. */
export const LIGHT_PLOT = plotRules(LIGHT);

export const PAGE_STYLE = `:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1000px; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; } h1 { margin-bottom: .2rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; } .scroll { overflow-x: auto; }
td, th { padding: .25rem .8rem; text-align: right; } td:first-child, th:first-child { text-align: left; padding-left: 0; }
td.words, th.words { text-align: left; } p.headline { font-size: 2rem; font-weight: 600; margin: .5rem 0 0; }
.plot > svg { width: 100%; min-width: 560px; height: auto; display: block; margin: 1rem 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(132px, 1fr)); gap: .6rem; }
figure.tile { margin: 0; padding: .4rem; border-radius: 6px; text-align: center; font-size: 13px; line-height: 1.35; overflow-wrap: anywhere; }
figure.tile img { width: 84px; height: 84px; object-fit: contain; image-rendering: pixelated; }
${plotRules(LIGHT)}${pageRules(LIGHT)}
@media (prefers-color-scheme: dark) {${plotRules(DARK)}${pageRules(DARK)} }`;
