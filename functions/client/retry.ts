import { refusedBy, retryAfter } from './refused.ts';

/** Asks again where that can help: a busy or unreachable service, a limit of rate, a connection that was lost. */

/** 408, 425, 429: too slow, too early, too many; the others: not the service itself, but what stands before it. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 502, 503, 504, 520, 521, 522, 523, 524]);
const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 20_000;
/** After which a connection counts as stuck. */
const ATTEMPT_MS = 30_000;

export interface RetryOptions {
  readonly signal?: AbortSignal | undefined;
  /** For all attempts and the waits between them. */
  readonly timeoutMs?: number | undefined;
  readonly attempts?: number | undefined;
}

/**
 * `fetch`, up to `attempts` times, with waits that double and are spread at random (full jitter), or as long as
 * `Retry-After` says. All attempts carry the same `Idempotency-Key`.
 * @throws Refused where the service says no for good, or still says no at last or for too long to wait;
 *   `AbortError` of the signal; `TimeoutError` when the time is over; TypeError where it could not be reached at last
 */
export async function fetchPatiently(
  url: string,
  init: RequestInit,
  { signal, timeoutMs = 90_000, attempts = 4 }: RetryOptions = {},
): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set('idempotency-key', headers.get('idempotency-key') ?? randomKey());
  const end = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
  for (let attempt = 1; ; attempt++) {
    const last = attempt >= attempts;
    let wait = Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
    try {
      const answer = await fetch(url, {
        ...init,
        headers,
        signal: AbortSignal.any([end, AbortSignal.timeout(ATTEMPT_MS)]),
      });
      if (answer.ok) return answer;
      const seconds = retryAfter(answer.headers) ?? 0;
      if (last || !PASSING.has(answer.status) || 1000 * seconds > LONGEST_WAIT_MS) throw await refusedBy(answer);
      await answer.body?.cancel();
      // Not all at the same moment.
      if (seconds > 0) wait = 1000 * seconds + Math.random() * FIRST_WAIT_MS;
    } catch (error) {
      end.throwIfAborted();
      if (last || !isConnection(error)) throw error;
    }
    await pause(wait, end);
  }
}

/** What `fetch` throws where no answer came; an attempt that took too long is one. */
const isConnection = (error: unknown) =>
  error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError');

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
}

/** 128 random bits. `crypto.randomUUID` is there on https alone. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
