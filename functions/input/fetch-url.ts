import { joined } from '../bytes.ts';
import { ServiceError } from '../errors.ts';
import { tooLarge } from './body.ts';
import { isLoopbackHost, isPublicHost, withoutDot } from './public-address.ts';
import { isPicture, SIGNATURE_BYTES } from './signature.ts';

/**
 * Addresses that others name, fetched on their behalf.
 *
 * An address is judged by how it is written, at every hop. What a name resolves to is not told to a Worker, and a check
 * before connecting could be outrun (DNS rebinding). Two things hold after the name is resolved: whoever answers has to
 * show a certificate for that name, and the network leads to no private address: Cloudflare's has no such route, and the
 * network service of a `workerd` of one's own, with `allow = ["public"]`, refuses the connection. A Node server brings
 * a `fetch` of its own that checks what it connects to (`node-fetch.ts`).
 */

/** What an address of others may be, and how it is fetched. */
export interface UrlRules {
  /** For development: plain http, and https, to this machine itself. */
  readonly allowHttpLoopback: boolean;
  /** Where given, only these hosts: `cdn.example`, or `*.cdn.example` for all below it. */
  readonly allowedHosts?: readonly string[];
  /** Instead of the platform's `fetch`, where the network keeps nobody out; it follows no redirects. */
  readonly fetch?: (
    address: URL,
    init: { readonly signal: AbortSignal; readonly headers: Readonly<Record<string, string>> },
  ) => Promise<Response>;
}

const MAX_URL_LENGTH = 2_048;
const MAX_REDIRECTS = 3;
const HTTPS_PORT = 443;
const FIRST_UNPRIVILEGED_PORT = 1024;
/** Ports above that which belong to other protocols: the Fetch standard's "bad ports", and databases. */
const REFUSED_PORTS = new Set([
  1433, 1521, 1719, 1720, 1723, 2049, 3306, 3659, 4045, 4190, 5060, 5061, 5432, 6000, 6379, 6566, 6665, 6666, 6667,
  6668, 6669, 6679, 6697, 9200, 10080, 11211, 27017,
]);

/**
 * An address that may be fetched, or called back: https to a public host, without credentials, at port 443 or one of
 * 1024 and up that no other protocol has.
 * @throws ServiceError `address-refused`
 */
export function checkedAddress(url: string, rules: UrlRules): URL {
  if (url.length > MAX_URL_LENGTH) throw refused(`is longer than ${MAX_URL_LENGTH} characters`);
  const address = parsed(url);
  if (!address) throw refused('is no URL');
  const { protocol, hostname, username, password } = address;
  if (username !== '' || password !== '') throw refused('carries a user name or a password');
  const loopback = rules.allowHttpLoopback && isLoopbackHost(hostname);
  if (protocol !== 'https:' && !(loopback && protocol === 'http:')) throw refused('does not begin with https://');
  if (!loopback && !isPublicHost(hostname)) throw refused('is not of the public internet');
  if (rules.allowedHosts && !rules.allowedHosts.some((host) => covers(host, hostname))) {
    throw refused('is of a host that these credentials may not name');
  }
  if (!loopback && !mayBePort(address.port === '' ? HTTPS_PORT : Number(address.port))) {
    throw refused(`has the port ${address.port}`);
  }
  address.hash = '';
  return address;
}

function parsed(url: string, base?: URL): URL | undefined {
  try {
    return new URL(url, base);
  } catch {
    return undefined;
  }
}

const mayBePort = (port: number): boolean =>
  port === HTTPS_PORT || (port >= FIRST_UNPRIVILEGED_PORT && !REFUSED_PORTS.has(port));

/** @param host a host, or `*.` and what it has to end with */
function covers(host: string, hostname: string): boolean {
  const name = withoutDot(hostname);
  return host.startsWith('*.') ? name.endsWith(host.slice(1)) && name.length >= host.length : name === host;
}

/**
 * The bytes of a picture, by their first bytes and not by what is said of them. Redirects are followed by hand, and
 * each address is checked; nothing of the caller's request is sent along.
 * @throws ServiceError `address-refused`; `body-too-large`; `image-unsupported`; `fetch-failed`, with
 * `retryAfterSeconds` where trying again makes sense
 */
export async function fetchImage(
  url: string,
  rules: UrlRules,
  bound: { readonly bytes: number; readonly milliseconds: number },
): Promise<Uint8Array<ArrayBuffer>> {
  const first = checkedAddress(url, rules);
  const signal = AbortSignal.timeout(bound.milliseconds);
  try {
    return await imageOf(await followed(first, rules, signal), bound.bytes, signal);
  } catch (error) {
    if (error instanceof ServiceError) throw error;
    if (signal.aborted)
      throw failed(`did not answer whole within ${bound.milliseconds} ms`, { cause: error, retryAfterSeconds: 5 });
    throw failed('cannot be reached', { cause: error, retryAfterSeconds: 5 });
  }
}

async function followed(first: URL, rules: UrlRules, signal: AbortSignal): Promise<Response> {
  const send = rules.fetch ?? ((to, init) => fetch(to, { ...init, redirect: 'manual' }));
  let address = first;
  for (let redirects = 0; ; redirects++) {
    const response = await send(address, { signal, headers: { accept: 'image/*' } });
    if (response.ok) return response;
    await response.body?.cancel();
    const location = response.headers.get('location');
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) throw answered(response);
    if (redirects === MAX_REDIRECTS) throw failed(`redirects more than ${MAX_REDIRECTS} times`);
    const next = parsed(location, address);
    if (!next) throw refused('redirects to what is no URL');
    // Whoever is outside names nobody inside, in development neither.
    const inside = rules.allowHttpLoopback && isLoopbackHost(address.hostname);
    address = checkedAddress(next.href, { ...rules, allowHttpLoopback: inside });
  }
}

/** @throws ServiceError, and lets the rest of the body go, as soon as that is known */
async function imageOf(
  { body, headers }: Response,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!body) throw failed('answers without a body');
  const reader = body.getReader();
  const stop = () => reader.cancel(signal.reason).catch(() => {});
  const onAbort = () => {
    stop();
  };
  signal.addEventListener('abort', onAbort);
  try {
    if (Number(headers.get('content-length') ?? 0) > maxBytes) throw tooLarge('picture', maxBytes);
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    let known = false;
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) break;
      bytes += value.length;
      if (bytes > maxBytes) throw tooLarge('picture', maxBytes);
      chunks.push(value);
      known ||= isPicture(joined(chunks));
      if (!known && bytes >= SIGNATURE_BYTES) throw notAnImage();
    }
    if (!known) throw notAnImage();
    return joined(chunks);
  } catch (error) {
    await stop();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

const refused = (why: string): ServiceError =>
  new ServiceError(
    'address-refused',
    `The address ${why}.`,
    'Give an https:// address of the public internet that anybody can fetch.',
  );

const failed = (why: string, details: Pick<Partial<ServiceError>, 'cause' | 'retryAfterSeconds'> = {}): ServiceError =>
  new ServiceError('fetch-failed', `The address ${why}.`, 'Check that it gives a picture to anybody.', details);

/** Only what may pass by itself is worth another try. */
function answered({ status, headers }: Response): ServiceError {
  const passing = status === 408 || status === 425 || status === 429 || status >= 500;
  if (!passing) return failed(`answers ${status}`);
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return failed(`answers ${status}`, { retryAfterSeconds: seconds > 0 ? Math.min(seconds, 3_600) : 5 });
}

const notAnImage = (): ServiceError =>
  new ServiceError(
    'image-unsupported',
    'What the address gives is no picture, by its first bytes.',
    'Give the address of the picture itself, not of a page that shows it.',
  );
