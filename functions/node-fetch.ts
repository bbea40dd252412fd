import { lookup } from 'node:dns/promises';
import { request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { ServiceError } from './errors.ts';
import { isLoopbackHost, isPublicHost } from './input/public-address.ts';

/** All addresses of a name, as it resolves now. */
export type Resolve = (hostname: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;

/** Responses whose body has to be null (Fetch standard). */
const WITHOUT_BODY = [204, 205, 304];

/**
 * `fetch` for addresses that others name, where the network itself keeps nobody out. A name is resolved once for each
 * connection, all its addresses are checked, and one of these very addresses is connected to: a name that resolves to
 * another one a moment later (DNS rebinding) leads nowhere. Redirects are not followed, nothing is unpacked, and a
 * connection serves one request.
 * @param allows which addresses may be connected to, as hosts of URLs are written
 */
export function pinnedFetch({
  resolve = (hostname) => lookup(hostname, { all: true, verbatim: true }),
  allows = isPublicHost,
  allowLoopback = false,
}: {
  resolve?: Resolve;
  allows?: (host: string) => boolean;
  allowLoopback?: boolean;
} = {}): (address: URL, init: { signal: AbortSignal; headers: Record<string, string> }) => Promise<Response> {
  const checked = async (hostname: string) => {
    const addresses = await resolve(hostname);
    const mayConnect = (host: string) =>
      allows(host) || (allowLoopback && isLoopbackHost(host) && isLoopbackHost(hostname));
    if (addresses.length === 0) throw new Error(`${hostname} has no address`);
    for (const { address, family } of addresses) {
      if (!mayConnect(hostOf(address, family))) throw leadsInside();
    }
    return addresses;
  };
  /** Asked by Node when it connects; a host that is an address already is not looked up, and has been judged as it is written. */
  const pinned: LookupFunction = (hostname, { all }, done) => {
    checked(hostname).then(
      (addresses) => {
        const [first] = addresses;
        if (all) done(null, [...addresses]);
        else done(null, first?.address ?? '', first?.family);
      },
      (error: NodeJS.ErrnoException) => done(error, ''),
    );
  };
  return (address, { signal, headers }) =>
    new Promise((resolved, rejected) => {
      const send = address.protocol === 'https:' ? overHttps : overHttp;
      const options = {
        agent: false as const,
        lookup: pinned,
        signal,
        headers: { ...headers, 'accept-encoding': 'identity' },
      };
      send(address, options, (answer) => {
        const { statusCode: status = 502, rawHeaders } = answer;
        const pairs = rawHeaders.flatMap((name, at): [string, string][] =>
          at % 2 ? [] : [[name, rawHeaders[at + 1] ?? '']],
        );
        const bodiless = WITHOUT_BODY.includes(status);
        if (bodiless) answer.resume();
        const body = bodiless ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>);
        resolved(new Response(body, { status, headers: pairs }));
      })
        .once('error', rejected)
        .end();
    });
}

/** As the parser of URLs writes it, without the zone of a link-local one. */
const hostOf = (address: string, family: number): string =>
  family === 6 ? new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname : address;

const leadsInside = (): ServiceError =>
  new ServiceError(
    'address-refused',
    'The address is of a name that does not lead to the public internet.',
    'Give an https:// address of the public internet that anybody can fetch.',
  );
