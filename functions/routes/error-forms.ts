import type { Problem } from '../errors.ts';

/**
 * An error as the protocol of its address has it: `{"error": text}` at all three. Undefined for addresses of our own.
 * @param path of the request
 */
export function foreignError(path: string, problem: Problem): Response | undefined {
  const protocol = /^\/(v1|v2|hf)(?:\/|$)/i.exec(path)?.[1]?.toLowerCase();
  if (!protocol) return undefined;
  return new Response(`${JSON.stringify({ error: problem.detail })}\n`, {
    status: protocol === 'hf' ? huggingFaceStatus(problem) : servingStatus(problem),
    headers: { ...problem.headers, 'content-type': 'application/json', 'cache-control': 'no-store' },
  });
}

/** What gRPC calls an invalid argument is 400 in the gateways of TensorFlow Serving and Triton, whatever is wrong with it. */
function servingStatus({ status }: Problem): number {
  return status === 415 || status === 422 ? 400 : status;
}

/** `@huggingface/inference` repeats at once and for ever on 503; it stops on any other. */
function huggingFaceStatus({ status, type }: Problem): number {
  if (status !== 503) return status;
  return type === 'busy' ? 429 : 502;
}
