import type { Host } from '../host.ts';
import type { Witness } from './record.ts';

/** One that is longer is no address of ours. */
const MAX_PATH = 200;

/** One line a request, as JSON, without anything of the image. Why a request failed on our side stands here only. */
export const log =
  (host: Pick<Host, 'log'>): Witness =>
  ({ requestId, trace, method, path, status, model, version, problem, cache, bytes, waitedMs, caller, error }) =>
    // JSON leaves out what is undefined.
    host.log({
      requestId,
      // As OpenTelemetry names it in logs, so that they are found from a trace.
      trace_id: trace.traceId,
      method,
      path: path.slice(0, MAX_PATH),
      status,
      model,
      version,
      problem,
      cache,
      bytes,
      waitedMs,
      caller,
      ...(error !== undefined && failure(error)),
    });

function failure(error: unknown): { error: string; cause?: string } {
  const cause = error instanceof Error ? error.cause : undefined;
  return {
    error: (error instanceof Error && error.stack) || String(error),
    ...(cause !== undefined && { cause: String(cause) }),
  };
}
