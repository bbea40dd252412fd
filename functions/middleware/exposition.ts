/**
 * Metrics as text: Prometheus' exposition format 0.0.4,
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format.
 */

export interface Family {
  /** A counter's ends in `_total`, others in their unit. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  /** Behind the family's name: `_bucket`, `_sum` and `_count` of a histogram. */
  readonly suffix?: string;
  readonly labels?: Labels;
  readonly value: number;
}

export type Labels = Readonly<Record<string, string>>;

export const exposition = (families: readonly Family[]): string =>
  families
    .map(
      ({ name, type, help, samples }) =>
        `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n${samples
          .map(({ suffix = '', labels = {}, value }) => `${name}${suffix}${labelSet(labels)} ${number(value)}\n`)
          .join('')}`,
    )
    .join('');

/** `{model="m",status="200"}`; the same for the same labels, so that it can also tell series apart. */
export function labelSet(labels: Labels): string {
  const all = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return all.length > 0 ? `{${all.join(',')}}` : '';
}

const escaped = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

const number = (value: number): string => (value === Number.POSITIVE_INFINITY ? '+Inf' : String(value));
