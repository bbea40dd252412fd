import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ServiceError } from '../../../functions/errors.ts';
import { fetchImage, type UrlRules } from '../../../functions/input/fetch-url.ts';

const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3);
const JPEG = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46);
const START = 'https://cdn.example/a.png';
const bound = { bytes: 1_000, milliseconds: 300 };

afterEach(() => vi.restoreAllMocks());

/** A web of addresses, each with its answer; what is asked is kept. */
function web(pages: Readonly<Record<string, (() => Response | Promise<Response>) | string>>) {
  const asked: { url: string; init: RequestInit | undefined }[] = [];
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (url, init) => {
    asked.push({ url: String(url), init: init as RequestInit | undefined });
    const page = pages[String(url)];
    if (page === undefined) throw new TypeError('Network connection lost.');
    if (typeof page !== 'string') return page();
    return new Response(null, { status: 302, headers: { location: page, 'set-cookie': 'session=1' } });
  });
  return asked;
}

async function outcome(rules: UrlRules = { allowHttpLoopback: false }, url = START) {
  try {
    return [...(await fetchImage(url, rules, bound))];
  } catch (error) {
    const { code, retryAfterSeconds } = error as ServiceError;
    return retryAfterSeconds === undefined ? code : `${code}, again after ${retryAfterSeconds}`;
  }
}

const image = (bytes: BodyInit = PNG, headers: Record<string, string> = {}) => new Response(bytes, { headers });

function streamed(chunks: readonly Uint8Array[], more: 'end' | 'hang' | 'fail' = 'end') {
  const state = { cancelled: false, sent: 0 };
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = chunks[state.sent];
      if (chunk) {
        state.sent++;
        controller.enqueue(chunk);
      } else if (more === 'end') controller.close();
      else if (more === 'fail') controller.error(new Error('connection reset'));
      else return new Promise(() => {});
    },
    cancel() {
      state.cancelled = true;
    },
  });
  return { state, body };
}

describe('a picture at an address', () => {
  it('is known by its bytes, whatever is said of it', async () => {
    web({ [START]: () => image(PNG, { 'content-type': 'text/html' }) });
    expect(await outcome()).toEqual([...PNG]);
    web({ [START]: () => image(JPEG, { 'content-type': 'application/octet-stream' }) });
    expect(await outcome()).toEqual([...JPEG]);
    web({ [START]: () => image('<html>a page', { 'content-type': 'image/png' }) });
    expect(await outcome()).toBe('image-unsupported');
  });

  it('is asked for without anything of the caller', async () => {
    const asked = web({ [START]: 'https://other.example/b.png', 'https://other.example/b.png': () => image() });
    expect(await outcome()).toEqual([...PNG]);
    for (const { init } of asked) {
      expect(init?.redirect).toBe('manual');
      expect(Object.keys(init?.headers ?? {})).toEqual(['accept']);
    }
  });

  it('comes in pieces of any size', async () => {
    for (const size of [1, 3, 7, 8, 9]) {
      const pieces = Array.from({ length: Math.ceil(PNG.length / size) }, (_, i) =>
        PNG.slice(i * size, (i + 1) * size),
      );
      web({ [START]: () => image(streamed(pieces).body) });
      expect(await outcome(), `pieces of ${size}`).toEqual([...PNG]);
    }
  });

  it('is let go as soon as it is no picture', async () => {
    const { body, state } = streamed(Array.from({ length: 100 }, () => new Uint8Array(8).fill(0x3c)));
    web({ [START]: () => image(body) });
    expect(await outcome()).toBe('image-unsupported');
    expect([state.cancelled, state.sent < 5]).toEqual([true, true]);
  });

  it('is let go above the bound, said or not', async () => {
    const said = streamed([PNG]);
    web({ [START]: () => image(said.body, { 'content-length': '1001' }) });
    expect(await outcome()).toBe('body-too-large');
    expect(said.state.cancelled).toBe(true);
    const unsaid = streamed([PNG, ...Array.from({ length: 1_000 }, () => new Uint8Array(100))]);
    web({ [START]: () => image(unsaid.body, { 'content-length': '5' }) });
    expect(await outcome()).toBe('body-too-large');
    expect([unsaid.state.cancelled, unsaid.state.sent < 20]).toEqual([true, true]);
    const exact = new Uint8Array(1_000);
    exact.set(PNG);
    web({ [START]: () => image(exact) });
    expect(await outcome()).toHaveLength(1_000);
  });

  it.each([
    ['nothing', () => image(new Uint8Array(0)), 'image-unsupported'],
    ['four bytes', () => image(PNG.slice(0, 4)), 'image-unsupported'],
    ['no body', () => new Response(null, { status: 204 }), 'fetch-failed'],
    ['404', () => new Response('no', { status: 404 }), 'fetch-failed'],
    ['401', () => new Response('no', { status: 401 }), 'fetch-failed'],
    ['304', () => new Response(null, { status: 304 }), 'fetch-failed'],
    ['300 with a location', () => new Response(null, { status: 300, headers: { location: '/b' } }), 'fetch-failed'],
    ['302 without a location', () => new Response(null, { status: 302 }), 'fetch-failed'],
    ['500', () => new Response('no', { status: 500 }), 'fetch-failed, again after 5'],
    [
      '429',
      () => new Response('no', { status: 429, headers: { 'retry-after': '17' } }),
      'fetch-failed, again after 17',
    ],
    [
      'a year',
      () => new Response('no', { status: 503, headers: { 'retry-after': '31536000' } }),
      'fetch-failed, again after 3600',
    ],
    [
      'a date',
      () => new Response('no', { status: 503, headers: { 'retry-after': 'Fri, 31 Dec' } }),
      'fetch-failed, again after 5',
    ],
    ['a reset', () => image(streamed([PNG], 'fail').body), 'fetch-failed, again after 5'],
  ])('that answers %s is no picture', async (_name, page, code) => {
    web({ [START]: page });
    expect(await outcome()).toBe(code);
  });

  it('that nobody answers at, or answers too late, is worth another try', async () => {
    web({});
    expect(await outcome()).toBe('fetch-failed, again after 5');
    const began = Date.now();
    vi.spyOn(globalThis, 'fetch').mockImplementation(
      (_url, init) =>
        new Promise((_resolve, reject) => {
          (init as RequestInit).signal?.addEventListener('abort', () => reject(new Error('aborted')));
        }),
    );
    expect(await outcome()).toBe('fetch-failed, again after 5');
    expect(Date.now() - began).toBeLessThan(2_000);
  });

  it('that trickles for ever ends with its time', async () => {
    const { body, state } = streamed([PNG], 'hang');
    web({ [START]: () => image(body) });
    expect(await outcome()).toBe('fetch-failed, again after 5');
    expect(state.cancelled).toBe(true);
  });
});

describe('redirects', () => {
  const to = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [i === 0 ? START : `https://cdn.example/${i}`, `/${i + 1}`]),
    );

  it('are followed three times, also relative ones', async () => {
    web({ ...to(3), 'https://cdn.example/3': () => image() });
    expect(await outcome()).toEqual([...PNG]);
    const asked = web({ ...to(4), 'https://cdn.example/4': () => image() });
    expect(await outcome()).toBe('fetch-failed');
    expect(asked).toHaveLength(4);
    web({ [START]: START });
    expect(await outcome()).toBe('fetch-failed');
  });

  it.each([
    'https://169.254.169.254/latest/meta-data/',
    'http://169.254.169.254/latest/meta-data/',
    'https://0xa9fea9fe/',
    'https://[::ffff:169.254.169.254]/',
    'http://cdn.example/a.png',
    '//127.0.0.1/a.png',
    'https://localhost/',
    'https://user:password@other.example/',
    'https://other.example:22/',
    'file:///etc/passwd',
    'data:image/png;base64,iVBORw0KGgo=',
    'https://[',
  ])('to %s are refused, and nothing is asked there', async (location) => {
    const asked = web({ [START]: location });
    expect(await outcome()).toBe('address-refused');
    expect(asked).toHaveLength(1);
  });

  it('stay within the hosts of a key', async () => {
    const asked = web({ [START]: 'https://other.example/b', 'https://other.example/b': () => image() });
    expect(await outcome({ allowHttpLoopback: false, allowedHosts: ['cdn.example'] })).toBe('address-refused');
    expect(asked).toHaveLength(1);
    expect(await outcome({ allowHttpLoopback: false, allowedHosts: ['cdn.example', 'other.example'] })).toEqual([
      ...PNG,
    ]);
  });

  it('lead from outside to this machine in development neither, but within it', async () => {
    const inside = 'http://127.0.0.1:9000/b.png';
    const pages = { [START]: inside, 'http://localhost:8000/': inside, [inside]: () => image() };
    web(pages);
    expect(await outcome({ allowHttpLoopback: true })).toBe('address-refused');
    expect(await outcome({ allowHttpLoopback: true }, 'http://localhost:8000/')).toEqual([...PNG]);
    expect(await outcome({ allowHttpLoopback: false }, 'http://localhost:8000/')).toBe('address-refused');
  });
});
