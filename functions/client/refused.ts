import type { Problem } from '../errors.ts';

/** What the service refused, as it says it. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly problem: Omit<Problem, 'headers' | 'type'> & { readonly type: string };
  /** Seconds after which to ask again, where the service says so. */
  readonly retryAfterSeconds: number | undefined;

  constructor(problem: Refused['problem'], retryAfterSeconds: number | undefined) {
    super(problem.detail);
    this.problem = problem;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Of a `Response`, what is looked at. */
export type Answered = Pick<Response, 'ok' | 'status' | 'statusText' | 'headers'> & { text(): Promise<string> };

/** Of an answer that is not ok; one that is no problem document is told by its status. */
export async function refusedBy(answer: Answered): Promise<Refused> {
  const text = await answer.text();
  return new Refused(
    problemIn(text) ?? {
      type: 'about:blank',
      status: answer.status,
      title: answer.statusText || `HTTP ${answer.status}`,
      detail: `The service answered with status ${answer.status}.`,
    },
    retryAfter(answer.headers),
  );
}

/** @returns seconds from now, of `Retry-After` in seconds or as a date; undefined where there is none that can be read */
export function retryAfter(headers: Headers, now = Date.now()): number | undefined {
  const value = headers.get('retry-after')?.trim();
  if (value === undefined || value === '') return undefined;
  if (/^\d+$/.test(value)) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}

function problemIn(text: string): Refused['problem'] | undefined {
  try {
    const body: unknown = JSON.parse(text);
    const isProblem = typeof body === 'object' && body !== null && 'detail' in body && 'status' in body;
    return isProblem ? (body as Refused['problem']) : undefined;
  } catch {
    return undefined;
  }
}
