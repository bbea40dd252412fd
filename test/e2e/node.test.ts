import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { shared } from '../fixtures/shared.ts';
import { type NodeService, startNode } from './node-service.ts';
import { type Service, startService } from './service.ts';

/** `npm start` and `npm run start:node` side by side. */
let edge: Service;
let node: NodeService;
beforeAll(async () => {
  [edge, node] = await Promise.all([startService(), startNode(['--threads', '2'])]);
});
afterAll(() => Promise.all([edge?.stop(), node?.end('SIGKILL')]));

const fashion = path.join(import.meta.dirname, '../fixtures/fashion');
const files = (folder: string | null, ending: string, count: number) =>
  (folder ? readdirSync(folder) : [])
    .filter((file) => file.endsWith(ending))
    .slice(0, count)
    .map((file) => new Uint8Array(readFileSync(path.join(folder ?? '', file))));
const pictures = [...files(fashion, '.png', 4), ...files(shared('data/imagenet-sample'), '.JPEG', 2)];

interface Listed {
  readonly models: { readonly id: string }[];
}
const idsAt = async (base: string) =>
  ((await (await fetch(`${base}/models`)).json()) as Listed).models.map(({ id }) => id);

async function predictionsAt(base: string, id: string, body: Uint8Array<ArrayBuffer>): Promise<string> {
  const response = await fetch(`${base}/classify/${id}?top_k=10`, { method: 'POST', body });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return JSON.stringify((JSON.parse(text) as { predictions: unknown }).predictions);
}

describe('the Node server', () => {
  it('has the models of the edge, and gives their scores to the last bit', async () => {
    const ids = await idsAt(edge.base);
    expect(ids).toEqual(expect.arrayContaining(['fashion-mlp', 'fashion-mlp-float', 'airplane', 'lenet5']));
    expect(await idsAt(node.base)).toEqual(ids);
    const answers = new Set<string>();
    for (const id of ids) {
      for (const picture of pictures) {
        const there = await predictionsAt(edge.base, id, picture);
        expect(await predictionsAt(node.base, id, picture), id).toBe(there);
        answers.add(there);
      }
    }
    // Answers that were all alike would prove little.
    expect(answers.size).toBeGreaterThan(ids.length * 2);
  });

  it('gives many at once what it gives each alone, explained ones between them', async () => {
    const ask = async (base: string, query: string, picture: Uint8Array<ArrayBuffer>) => {
      const response = await fetch(`${base}/classify/fashion-resnet?top_k=10${query}`, {
        method: 'POST',
        body: picture,
      });
      expect(response.status).toBe(200);
      const { predictions, explanation } = (await response.json()) as { predictions: unknown; explanation?: unknown };
      return JSON.stringify({ predictions, explanation });
    };
    const questions = pictures.flatMap((picture) => ['', '&explain=cam', ''].map((query) => ({ query, picture })));
    const expected: string[] = [];
    for (const { query, picture } of questions) expected.push(await ask(edge.base, query, picture));
    const twice = [...questions, ...questions].map(({ query, picture }) => ask(node.base, query, picture));
    expect(await Promise.all(twice)).toEqual([...expected, ...expected]);
    expect(new Set(expected).size).toBe(2 * pictures.length);
  });

  it.each(['/jobs', '/jobs/job_1', '/hooks/github', '/tokens', '/usage'])(
    'says at %s that it cannot offer that, and why',
    async (route) => {
      const response = await fetch(node.base + route, { method: 'POST', body: '{}' });
      expect(response.status).toBe(501);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(await response.json()).toMatchObject({ type: '/problems#not-offered', detail: /D1/ });
    },
  );

  it('serves the page and its files, and nothing beside them', async () => {
    const page = await fetch(node.base);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await page.text()).toContain('/page/page.js');
    expect((await fetch(`${node.base}/page/page.js`)).headers.get('content-type')).toMatch(/^text\/javascript/);
    expect((await fetch(`${node.base}/openapi.json`)).status).toBe(200);
    for (const route of [
      '/page/%2e%2e/models/index.json',
      '/page/..%2fmodels/index.json',
      '/models/index.json',
      '/page/',
    ]) {
      expect((await fetch(node.base + route)).status, route).toBe(404);
    }
  });

  it.each(['declared', 'chunked'])('refuses a body that is too large, %s', async (how) => {
    const piece = new Uint8Array(1_000_000);
    let sent = 0;
    const body =
      how === 'declared'
        ? new Uint8Array(11_000_000)
        : new ReadableStream<Uint8Array>({
            pull(controller) {
              if (sent++ === 11) controller.close();
              else controller.enqueue(piece);
            },
          });
    const response = await fetch(`${node.base}/classify/fashion-mlp`, {
      method: 'POST',
      body,
      ...({ duplex: 'half' } as object),
    });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ type: '/problems#body-too-large' });
  });

  it.each(['https://localhost/a.png', 'https://127.0.0.1/a.png', 'https://[::1]/', 'https://169.254.169.254/'])(
    'fetches nothing of %s',
    async (url) => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${node.base}/classify/fashion-mlp`, {
        ...{ method: 'POST', body: JSON.stringify({ url }), headers },
      });
      expect(await response.json()).toMatchObject({ status: 400, type: '/problems#address-refused' });
    },
  );
});

describe.each(['SIGTERM', 'SIGINT'] as const)('on %s', (signal) => {
  it('answers what it is at, then ends with 0', async () => {
    const own = await startNode();
    const [picture = new Uint8Array()] = pictures;
    const socket = connect(Number(new URL(own.base).port), 'localhost');
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await new Promise((resolve) => socket.once('connect', resolve));
    const half = picture.length >> 1;
    socket.write(`POST /classify/fashion-mlp HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${picture.length}\r\n\r\n`);
    socket.write(picture.subarray(0, half));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const ended = own.end(signal);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await expect(fetch(own.base), 'no new connections').rejects.toThrow();
    expect(answer).toBe('');
    socket.write(picture.subarray(half));
    await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(answer).toContain('"predictions"');
    expect(await ended).toBe(0);
  });
});

it.each([
  [['--port', 'many'], /--port takes a whole number/],
  [['--nonsense'], /nonsense/],
])('does not start with %j, and says why', async (more, why) => {
  await expect(startNode(more)).rejects.toThrow(why);
});
