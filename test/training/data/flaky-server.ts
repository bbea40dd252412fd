import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Request {
  readonly url: string;
  readonly range: string | undefined;
}

export interface FlakyServer {
  /** Ends in `/`. */
  readonly address: string;
  readonly requests: readonly Request[];
  close(): Promise<void>;
}

/** Answers each request, counted from 0, as `behave` says. */
export async function serve(
  behave: (request: IncomingMessage, response: ServerResponse, count: number) => void,
): Promise<FlakyServer> {
  const requests: Request[] = [];
  const server = createServer((request, response) => {
    requests.push({ url: request.url ?? '', range: request.headers.range });
    behave(request, response, requests.length - 1);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The file, from where the request asks; `breakAfter` bytes of it and then a broken connection. */
export function sendRange(file: Uint8Array, request: IncomingMessage, response: ServerResponse, breakAfter?: number) {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const partial = request.headers.range !== undefined;
  response.writeHead(partial ? 206 : 200, {
    'content-length': file.length - start,
    ...(partial && { 'content-range': `bytes ${start}-${file.length - 1}/${file.length}` }),
  });
  if (breakAfter === undefined) response.end(file.subarray(start));
  else response.write(file.subarray(start, start + breakAfter), () => setTimeout(() => response.destroy(), 20));
}
