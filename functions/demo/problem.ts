/** What can be done about a problem at the press of a button. */
export type Remedy = 'retry' | 'shrink';

/** Something that the visitor has to know: what happened; why, and what to do about it. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly title: string;
  readonly remedy: Remedy | undefined;
  /** The service does not know who asks. */
  readonly needsKey: boolean;

  constructor(
    title: string,
    detail: string,
    options: { remedy?: Remedy | undefined; needsKey?: boolean; cause?: unknown } = {},
  ) {
    super(detail, { cause: options.cause });
    this.title = title;
    this.remedy = options.remedy;
    this.needsKey = options.needsKey ?? false;
  }

  /** From an answer that is no success: `application/problem+json` (RFC 9457), or whatever a proxy says in its place. */
  static async of(response: Response): Promise<Problem> {
    const document: unknown = await response.json().catch(() => null);
    const { title, detail } = (document ?? {}) as { title?: unknown; detail?: unknown };
    const wait = Number(response.headers.get('retry-after'));
    const seconds = wait > 0 ? ` That is ${wait} s.` : '';
    return new Problem(
      typeof title === 'string' ? title : `The service answered ${response.status}`,
      typeof detail === 'string' ? `${detail}${seconds}` : 'It gave no reason. Try again in a moment.',
      { remedy: remedyOf(response.status), needsKey: response.status === 401 },
    );
  }

  static from(error: unknown): Problem {
    return error instanceof Problem
      ? error
      : new Problem('This page has a fault', 'The picture may be fine. Reload the page and try again.', {
          cause: error,
        });
  }
}

function remedyOf(status: number): Remedy | undefined {
  if (status === 413) return 'shrink';
  return status === 429 || status >= 500 ? 'retry' : undefined;
}
