/**
 * The error shape of the whole service: what happened, why, and what to do about it. Each room makes its own
 * (`image/errors.ts`, `catalogue/errors.ts` …); `middleware/problem.ts` gives every code its HTTP status.
 */

export type ErrorCode =
  | 'bad-request'
  | 'bad-option'
  | 'bad-json'
  | 'bad-base64'
  | 'body-empty'
  | 'body-too-large'
  | 'image-unsupported'
  | 'image-damaged'
  | 'image-too-large'
  | 'model-unknown'
  | 'model-broken'
  | 'explanation-unavailable'
  | 'embedding-unavailable'
  | 'option-unavailable'
  | 'head-unknown'
  | 'head-conflict'
  | 'route-unknown'
  | 'method-not-allowed'
  | 'unauthorized'
  | 'forbidden'
  | 'rate-limited'
  | 'quota-exceeded'
  | 'tokens-unavailable'
  | 'not-offered'
  | 'address-refused'
  | 'fetch-failed'
  | 'signature-refused'
  | 'job-unknown'
  | 'job-state'
  | 'idempotency-mismatch'
  | 'idempotency-busy'
  | 'too-slow'
  | 'busy';

export interface FieldError {
  readonly detail: string;
  /** JSON pointer or query name of the field at fault. */
  readonly pointer: string;
}

/** An error in HTTP's terms: what a problem document (RFC 9457) or another protocol's error form is written from. */
export interface Problem {
  /** A code of {@link ErrorCode}, or `internal`. */
  readonly type: ErrorCode | 'internal';
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  readonly violatedPolicies?: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
}

/** An error that a caller can understand and act on. Anything else that is thrown is a defect of ours. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  /** One sentence: what happened and why. */
  readonly what: string;
  /** One sentence: what the caller can do. */
  readonly todo: string;
  readonly fields: readonly FieldError[];
  /** Seconds after which trying again makes sense. */
  readonly retryAfterSeconds: number | undefined;
  /** Methods that the address does answer. */
  readonly allow: readonly string[] | undefined;
  /** Limits that were overrun, by their names in `RateLimit-Policy`. */
  readonly violatedPolicies: readonly string[] | undefined;
  readonly code: ErrorCode;

  constructor(
    code: ErrorCode,
    what: string,
    todo: string,
    details: Partial<Pick<ServiceError, 'fields' | 'retryAfterSeconds' | 'allow' | 'violatedPolicies' | 'cause'>> = {},
  ) {
    super(`${what} ${todo}`, { cause: details.cause });
    this.code = code;
    this.what = what;
    this.todo = todo;
    this.fields = details.fields ?? [];
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.allow = details.allow;
    this.violatedPolicies = details.violatedPolicies;
  }
}

/** @param what cannot be asked */
export const noDatabase = (what: string, cause?: unknown): ServiceError =>
  new ServiceError('busy', what, 'Try again after the seconds that Retry-After says.', { retryAfterSeconds: 5, cause });

/** D1 says so of each of its errors; what is wrong with a statement of ours, tests find. */
export const isOfDatabase = (error: unknown): boolean => error instanceof Error && /^D1_ERROR/.test(error.message);
