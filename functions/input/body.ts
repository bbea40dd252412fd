import { joined } from '../bytes.ts';
import { ServiceError } from '../errors.ts';

/**
 * A whole body, never more than `maxBytes` of it in memory.
 * @throws ServiceError `body-too-large`, as soon as that is known; `bad-request` for a compressed one.
 */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    await drain(request.body);
    throw new ServiceError(
      'bad-request',
      `The body is compressed (${encoding.slice(0, 40)}).`,
      'Send it as it is: pictures are compressed already.',
    );
  }
  const declared = request.headers.get('content-length');
  if (declared !== null && Number(declared) > maxBytes) {
    await drain(request.body);
    throw tooLarge('body', maxBytes);
  }
  if (!request.body) return new Uint8Array(0);
  // HTTP ends a body where its declared length does; in one piece it comes sooner than in chunks.
  if (declared !== null) {
    const body = new Uint8Array(await request.arrayBuffer());
    if (body.length > maxBytes) throw tooLarge('body', maxBytes);
    return body;
  }
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.length;
    if (bytes > maxBytes) {
      reader.releaseLock();
      await drain(request.body);
      throw tooLarge('body', maxBytes);
    }
    chunks.push(value);
  }
  return joined(chunks);
}

/** Many clients read an answer only when their body is sent; so much of it is taken and forgotten. */
const DRAIN_BYTES = 64 * 1024 * 1024;

async function drain(body: ReadableStream<Uint8Array> | null): Promise<void> {
  if (!body) return;
  const reader = body.getReader();
  let bytes = 0;
  while (bytes < DRAIN_BYTES) {
    const { done, value } = await reader.read();
    if (done) return;
    bytes += value.length;
  }
  await reader.cancel();
}

export function tooLarge(what: string, maxBytes: number): ServiceError {
  return new ServiceError(
    'body-too-large',
    `The ${what} is larger than ${maxBytes} bytes.`,
    'Send a smaller picture: a classifier looks at a few hundred pixels a side.',
  );
}
