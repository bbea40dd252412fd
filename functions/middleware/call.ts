import type { FieldError, Problem } from '../errors.ts';
import { type RequestRecord, recorded, type Witness } from './record.ts';
import { traceOf } from './trace.ts';

/** An error as another Worker gets it: plain, so that it can be cloned, and told by its message alone where it must. */
export interface CallError extends Error {
  readonly code: Problem['type'];
  /** HTTP's status for it. */
  readonly status: number;
  /** What happened, why, and what to do. */
  readonly detail: string;
  readonly fields?: readonly FieldError[];
  readonly retryAfterSeconds?: number;
}

interface Parts {
  /** Admits work, or refuses it. */
  readonly within: <T>(work: () => Promise<T>) => Promise<T>;
  readonly problemOf: (error: unknown) => Problem;
  readonly witnesses: readonly Witness[];
}

/**
 * Runs what another Worker calls by RPC as requests are run: within the same limits, told to the same witnesses.
 * @returns runs a call. @throws CallError
 */
export function calls({ within, problemOf, witnesses }: Parts) {
  return async <T>(method: string, work: () => Promise<T>): Promise<T> => {
    const record: RequestRecord = { requestId: crypto.randomUUID(), trace: traceOf(null, null) };
    const began = Date.now();
    let status = 200;
    let failure: unknown;
    try {
      return await recorded(record, () => within(work));
    } catch (error) {
      const problem = problemOf(error);
      record.problem = problem.type;
      status = problem.status;
      if (status >= 500) failure = error;
      throw callError(problem, record.requestId);
    } finally {
      const ended = {
        ...record,
        method: 'RPC',
        route: method,
        path: method,
        status,
        bytes: undefined,
        waitedMs: Date.now() - began,
        caller: undefined,
        error: failure,
      };
      for (const witness of witnesses) witness(ended);
    }
  };
}

/** The code stands in the message too: a Worker without `enhanced_error_serialization` gets nothing else. */
function callError({ type: code, status, detail, errors, headers }: Problem, requestId: string): CallError {
  const seconds = headers['retry-after'];
  const error = new Error(`${code}: ${detail}${code === 'internal' ? ` (${requestId})` : ''}`);
  return Object.assign(error, {
    name: 'ClassifierError',
    code,
    status,
    detail,
    ...(errors && { fields: errors }),
    ...(seconds !== undefined && { retryAfterSeconds: Number(seconds) }),
  });
}
