import type { Context } from 'hono';
import { type ErrorCode, isOfDatabase, noDatabase, type Problem, ServiceError } from '../errors.ts';

interface Meaning {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 422 | 429 | 500 | 501 | 503;
  readonly title: string;
}

/** Every code of {@link ErrorCode}: the compiler refuses a missing one. */
const MEANINGS: Readonly<Record<ErrorCode, Meaning>> = {
  'bad-request': { status: 400, title: 'The request cannot be read' },
  'bad-option': { status: 400, title: 'An option is not understood' },
  'bad-json': { status: 400, title: 'The JSON is not understood' },
  'bad-base64': { status: 400, title: 'The base64 is not understood' },
  'body-empty': { status: 400, title: 'There is no image' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'image-unsupported': { status: 415, title: 'The image is of a kind that is not supported' },
  'image-damaged': { status: 422, title: 'The image is damaged' },
  'image-too-large': { status: 413, title: 'The image is too large' },
  'model-unknown': { status: 404, title: 'There is no such model' },
  'model-broken': { status: 503, title: 'The model cannot be loaded' },
  'explanation-unavailable': { status: 422, title: 'The model cannot be explained so' },
  'embedding-unavailable': { status: 422, title: 'The model gives no embeddings' },
  'option-unavailable': { status: 422, title: 'The model cannot be asked that' },
  'head-unknown': { status: 404, title: 'There is no such head' },
  'head-conflict': { status: 409, title: 'The head is in the way of that' },
  'route-unknown': { status: 404, title: 'There is nothing here' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  unauthorized: { status: 401, title: 'The caller is not known' },
  forbidden: { status: 403, title: 'The caller may not do this' },
  'rate-limited': { status: 429, title: 'There are too many requests' },
  'quota-exceeded': { status: 429, title: 'The quota is used up' },
  'tokens-unavailable': { status: 501, title: 'There are no client tokens here' },
  'not-offered': { status: 501, title: 'This server does not offer that' },
  'address-refused': { status: 400, title: 'The address may not be fetched' },
  'fetch-failed': { status: 422, title: 'The address gives no image' },
  'signature-refused': { status: 403, title: 'The signature is not right' },
  'job-unknown': { status: 404, title: 'There is no such job' },
  'job-state': { status: 409, title: 'The job is in another state' },
  'idempotency-mismatch': { status: 422, title: 'The idempotency key was used for something else' },
  'idempotency-busy': { status: 409, title: 'The first request of this key is still at work' },
  'too-slow': { status: 503, title: 'The request took too long' },
  busy: { status: 503, title: 'The service is busy' },
};

const QUOTA_EXCEEDED = 'https://iana.org/assignments/http-problem-types#quota-exceeded';

/** What is no {@link ServiceError} is ours: it says nothing of its inside. */
export function problemOf(error: unknown): Problem {
  if (isOfDatabase(error)) return problemOf(noDatabase('The database does not answer.'));
  if (!(error instanceof ServiceError)) {
    return {
      type: 'internal',
      status: 500,
      title: 'Something went wrong here',
      detail: 'The fault is ours; the request may be right. Report the x-request-id of this answer.',
      headers: {},
    };
  }
  const { code, message, fields, retryAfterSeconds, allow, violatedPolicies } = error;
  return {
    type: code,
    ...MEANINGS[code],
    detail: message,
    ...(fields.length > 0 && { errors: fields }),
    ...(violatedPolicies && { violatedPolicies }),
    headers: {
      ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
      ...(allow && { allow: allow.join(', ') }),
      // RFC 9110, section 11.6.1.
      ...(code === 'unauthorized' && { 'www-authenticate': 'Bearer realm="edge-classifier"' }),
    },
  };
}

/** An error as `application/problem+json` (RFC 9457). */
export function problem(error: unknown, c: Context): Response {
  const { type, headers, violatedPolicies, ...rest } = problemOf(error);
  const document = {
    // Registered with the RateLimit header fields (draft-ietf-httpapi-ratelimit-headers).
    type: violatedPolicies ? QUOTA_EXCEEDED : `/problems#${type}`,
    ...rest,
    ...(violatedPolicies && { 'violated-policies': violatedPolicies }),
    instance: c.req.path,
  };
  return new Response(`${JSON.stringify(document)}\n`, {
    status: rest.status,
    headers: { ...headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
  });
}
