import { AsyncLocalStorage } from 'node:async_hooks';
import type { Problem } from '../errors.ts';
import { type Trace, traceparent } from './trace.ts';

/**
 * What becomes known of a request while it is at work, for its log line, data point and counters. Nothing of an image,
 * no key, no query string.
 */
export interface RequestRecord {
  readonly requestId: string;
  readonly trace: Trace;
  /** What the caller says of answers that were kept, as `Cache-Control` has it. */
  readonly freshness?: 'no-cache' | 'no-store' | undefined;
  /** Of the catalogue, never as a caller wrote it: it becomes a label. */
  model?: string;
  version?: string;
  revision?: number;
  cache?: 'hit' | 'miss' | 'bypass';
  /** Why it was refused. */
  problem?: Problem['type'];
}

const storage = new AsyncLocalStorage<RequestRecord>();

/** Runs `work` under a record, which whatever it calls can add to. */
export const recorded = <T>(record: RequestRecord, work: () => T): T => storage.run(record, work);

/** Of the request at work. */
export const recordAtWork = (): RequestRecord | undefined => storage.getStore();

/** Another Worker, asked as part of the request at work: its span is the parent of what is done there. */
export function traced<W extends { fetch(request: Request): Promise<Response> }>(worker: W): W {
  return {
    ...worker,
    fetch: (request) => {
      const record = storage.getStore();
      if (!record) return worker.fetch(request);
      const { requestId, trace } = record;
      request.headers.set('x-request-id', requestId);
      request.headers.set('traceparent', traceparent(trace));
      if (trace.state !== undefined) request.headers.set('tracestate', trace.state);
      return worker.fetch(request);
    },
  };
}

/** Adds to the record of the request at work. */
export function note(part: Partial<Omit<RequestRecord, 'requestId' | 'trace' | 'freshness'>>): void {
  const record = storage.getStore();
  if (record) Object.assign(record, part);
}

/** A request or call that has ended. */
export interface Ended extends RequestRecord {
  /** HTTP's, or `RPC`. */
  readonly method: string;
  /** The route's pattern, such as `/classify/{model}`; one of few. */
  readonly route: string;
  readonly path: string;
  readonly status: number;
  /** Of the body, where the caller declared it. */
  readonly bytes: number | undefined;
  /** By the isolate's clock: on Workers it stands still while one computes, and tells how long one waited. */
  readonly waitedMs: number;
  /** The caller's id, which is no secret. */
  readonly caller: string | undefined;
  /** Where the fault is ours. */
  readonly error: unknown;
}

/** Tells somebody of what has ended. */
export type Witness = (ended: Ended) => void;
