/**
 * A strict reader of Prometheus' text format 0.0.4, by its specification: every line is understood or the whole is
 * refused, each family has one HELP and one TYPE before its samples, which stand together, no series comes twice.
 */
export interface ParsedFamily {
  type: string;
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const META = new RegExp(`^# (HELP|TYPE) (${NAME}) (.*)$`);
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`);
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(,|$)/;

export function parseExposition(text: string): Map<string, ParsedFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, ParsedFamily>();
  const seen = new Set<string>();
  let at: [name: string, family: ParsedFamily] | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    const meta = META.exec(line);
    if (meta) {
      const [, keyword, name = '', rest = ''] = meta;
      if (keyword === 'HELP') {
        if (families.has(name)) throw new Error(`${name} comes twice`);
        at = [name, { type: '', help: rest, samples: [] }];
        families.set(...at);
      } else {
        if (at?.[0] !== name || at[1].type !== '' || at[1].samples.length > 0) throw new Error(`TYPE of ${name} here`);
        if (!['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(rest)) throw new Error(`type ${rest}`);
        at[1].type = rest;
      }
      continue;
    }
    const [, name = '', labelText = '', valueText = ''] = SAMPLE.exec(line) ?? [];
    if (!at || name === '' || at[1].type === '') throw new Error(`not understood: ${line}`);
    const suffixes = at[1].type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    if (!suffixes.some((suffix) => name === at?.[0] + suffix)) throw new Error(`${name} stands in ${at[0]}`);
    const labels = parseLabels(labelText);
    const series = name + JSON.stringify(Object.entries(labels).sort());
    if (seen.has(series)) throw new Error(`${series} comes twice`);
    seen.add(series);
    if (!/^(?:[+-]?Inf|NaN|[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)$/.test(valueText))
      throw new Error(`value ${valueText}`);
    at[1].samples.push({ name, labels, value: Number(valueText.replace('Inf', 'Infinity')) });
  }
  for (const [name, family] of families) if (family.type === 'histogram') checkHistogram(name, family);
  return families;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    const [whole, name = '', value = ''] = LABEL.exec(rest) ?? [];
    if (whole === undefined || name in labels) throw new Error(`labels: ${text}`);
    labels[name] = value.replaceAll(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
    rest = rest.slice(whole.length);
  }
  return labels;
}

/** Buckets are cumulative, in order, end in +Inf, and that one is the count. */
function checkHistogram(name: string, { samples }: ParsedFamily): void {
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
  const bounds = buckets.map(({ labels }) => Number(labels.le?.replace('Inf', 'Infinity')));
  const ordered = (values: number[]) => values.every((value, i) => i === 0 || value >= (values[i - 1] ?? 0));
  if (!ordered(bounds) || bounds.at(-1) !== Number.POSITIVE_INFINITY) throw new Error(`bounds ${bounds}`);
  if (!ordered(buckets.map(({ value }) => value))) throw new Error(`${name} is not cumulative`);
  const count = samples.find((sample) => sample.name === `${name}_count`)?.value;
  if (count === undefined || buckets.at(-1)?.value !== count) throw new Error(`${name} counts ${count}`);
  if (!samples.some((sample) => sample.name === `${name}_sum`)) throw new Error(`${name} has no sum`);
}
