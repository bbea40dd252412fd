import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchImage, type UrlRules } from '../../functions/input/fetch-url.ts';
import { pinnedFetch, type Resolve } from '../../functions/node-fetch.ts';

/** 127.0.0.2 plays the public internet, 127.0.0.1 this machine: two servers at one port that say which they are. */
const OUTSIDE = '127.0.0.2';
const INSIDE = '127.0.0.1';
const hits: string[] = [];
const servers: Server[] = [];
let port = 0;

const listen = (address: string) =>
  new Promise<number>((resolve) => {
    const server = createServer((request, response) => {
      hits.push(address);
      if (request.url === '/moved') response.writeHead(302, { location: 'http://inside.example/' }).end();
      else if (request.url === '/empty') response.writeHead(204).end();
      else response.writeHead(200, { 'content-type': 'text/plain' }).end(`${address} ${request.headers['x-given']}`);
    });
    servers.push(server);
    server.listen(port, address, () => resolve((server.address() as AddressInfo).port));
  });

beforeAll(async () => {
  port = await listen(OUTSIDE);
  await listen(INSIDE);
});
afterAll(() => {
  for (const server of servers) server.close();
});

const init = () => ({ signal: AbortSignal.timeout(5_000), headers: { 'x-given': 'yes' } });
const at = (path = '/') => new URL(`http://rebind.example:${port}${path}`);

/** Answers with each list in turn, the last one for ever. */
function resolver(...answers: readonly (readonly string[])[]): Resolve & { asked: string[] } {
  const asked: string[] = [];
  const resolve: Resolve = async (hostname) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(hostname);
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  return Object.assign(resolve, { asked });
}
const allows = (host: string) => host === OUTSIDE;

describe('an address that others name', () => {
  it('is resolved once, and what was checked is what is connected to', async () => {
    hits.length = 0;
    const resolve = resolver([OUTSIDE], [INSIDE]);
    const response = await pinnedFetch({ resolve, allows })(at(), init());
    expect(await response.text()).toBe(`${OUTSIDE} yes`);
    expect(response.headers.get('content-type')).toBe('text/plain');
    expect(resolve.asked).toEqual(['rebind.example']);
    expect(hits).toEqual([OUTSIDE]);
  });

  it('is resolved and judged anew for each connection: the second leads inside', async () => {
    hits.length = 0;
    const fetchPinned = pinnedFetch({ resolve: resolver([OUTSIDE], [INSIDE]), allows });
    await (await fetchPinned(at(), init())).text();
    await expect(fetchPinned(at(), init())).rejects.toMatchObject({ code: 'address-refused' });
    expect(hits).toEqual([OUTSIDE]);
  });

  it.each([[[INSIDE]], [[OUTSIDE, INSIDE]], [[INSIDE, OUTSIDE]], [['::1']], [['::ffff:127.0.0.2']], [['fe80::1%lo']]])(
    'is refused where one of its addresses is not public: %j',
    async (addresses) => {
      hits.length = 0;
      await expect(pinnedFetch({ resolve: resolver(addresses), allows })(at(), init())).rejects.toMatchObject({
        code: 'address-refused',
      });
      expect(hits).toEqual([]);
    },
  );

  it('is judged by the table of public addresses unless told otherwise', async () => {
    for (const address of [
      '10.0.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '::1',
      'fd00::1',
      '64:ff9b::7f00:1',
    ]) {
      await expect(pinnedFetch({ resolve: resolver([address]) })(at(), init()), address).rejects.toMatchObject({
        code: 'address-refused',
      });
    }
  });

  it('gives redirects and empty answers as they are', async () => {
    const fetchPinned = pinnedFetch({ resolve: resolver([OUTSIDE]), allows });
    const moved = await fetchPinned(at('/moved'), init());
    expect([moved.status, moved.headers.get('location')]).toEqual([302, 'http://inside.example/']);
    await moved.body?.cancel();
    expect((await fetchPinned(at('/empty'), init())).body).toBeNull();
  });

  it.each(['https://127.0.0.1/', 'http://public.example/', 'https://10.0.0.1/', '//localhost/'])(
    'is judged again where it redirects: to %s',
    async (location) => {
      const asked: string[] = [];
      const rules: UrlRules = {
        allowHttpLoopback: false,
        async fetch({ href }) {
          asked.push(href);
          return new Response(null, { status: 302, headers: { location } });
        },
      };
      const image = fetchImage('https://public.example/a.png', rules, { bytes: 1_000, milliseconds: 1_000 });
      await expect(image).rejects.toMatchObject({ code: 'address-refused' });
      expect(asked).toEqual(['https://public.example/a.png']);
    },
  );

  it('that has no address cannot be reached', async () => {
    await expect(pinnedFetch({ resolve: resolver([]), allows })(at(), init())).rejects.toThrow('no address');
  });

  it('of this machine itself is let in by its own name alone, and only in development', async () => {
    const local = new URL(`http://localhost:${port}/`);
    const resolve = resolver([INSIDE]);
    await expect(pinnedFetch({ resolve })(local, init())).rejects.toMatchObject({ code: 'address-refused' });
    expect(await (await pinnedFetch({ resolve, allowLoopback: true })(local, init())).text()).toBe(`${INSIDE} yes`);
    await expect(pinnedFetch({ resolve, allowLoopback: true })(at(), init())).rejects.toMatchObject({
      code: 'address-refused',
    });
  });
});
