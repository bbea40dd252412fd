import { Hono } from 'hono';
import { Webhook } from 'standardwebhooks';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ServiceError } from '../../../functions/errors.ts';
import { problem } from '../../../functions/middleware/problem.ts';
import { type HookOrder, hooksRoute, MAX_EVENT_BYTES } from '../../../functions/routes/hooks.ts';
import event from '../../../functions/webhooks/examples/cms/event.json';
import mapping from '../../../functions/webhooks/examples/cms/mapping.json';
import r2Event from '../../../functions/webhooks/examples/r2/event.json';
import r2Mapping from '../../../functions/webhooks/examples/r2/mapping.json';
import r2Worker from '../../../functions/webhooks/examples/r2/worker.ts';
import { placeOfSource, seal } from '../../../functions/webhooks/sealed.ts';
import { makeSigningSecret } from '../../../functions/webhooks/sign.ts';
import { emptyTables } from '../access/protected-service.ts';

const worker = makeSigningSecret('hmac');
const secret = makeSigningSecret('hmac');
const now = () => Math.floor(Date.now() / 1000);

let database: D1Database;
let made: { owner: string; order: HookOrder; key: string }[];
let create: (n: number) => Promise<{ id: string }>;
let app: Hono;

beforeEach(async () => {
  database = await emptyTables();
  made = [];
  create = async (n) => ({ id: `job-${n}` });
  app = new Hono();
  app.onError(problem);
  app.notFound((c) => c.text('nothing here', 404));
  const jobs = {
    create: (owner: string, order: HookOrder, { key, origin }: { key: string; origin: string }) => {
      expect(origin).toMatch(/^https?:\/\/[a-z.]+$/);
      return create(made.push({ owner, order, key }));
    },
  };
  hooksRoute(app, { database, secret: worker, jobs });
  await addSource('cms', 'standard', secret, {
    model: 'm',
    mapping,
    top_k: 3,
    callback_url: 'https://shop.example/cb',
  });
});

async function addSource(name: string, scheme: string, secrets: string, orders: object) {
  await database
    .prepare(
      `INSERT INTO hook_sources (name, owner, scheme, sealed, orders, created_at) VALUES (?, 'key:k', ?, ?, ?, 0)`,
    )
    .bind(name, scheme, await seal(secrets, placeOfSource(name, 'key:k'), worker), JSON.stringify(orders))
    .run();
}

function signed(body: string, { id = 'evt_1', at = now(), by = secret } = {}): Record<string, string> {
  const signature = new Webhook(by).sign(id, new Date(at * 1000), body);
  return { 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': signature };
}

async function post(body: BodyInit, headers: Record<string, string>, name = 'cms') {
  const answer = await app.request(`/hooks/${name}`, { method: 'POST', body, headers });
  const text = await answer.text();
  return {
    status: answer.status,
    text,
    json: text.startsWith('{') ? JSON.parse(text) : undefined,
    headers: answer.headers,
  };
}

const body = JSON.stringify(event);

describe('a signed event', () => {
  it('becomes a job of the owner of its source, as its mapping says', async () => {
    const answer = await post(body, signed(body));
    expect([answer.status, answer.json]).toEqual([202, { job: 'job-1', repeated: false }]);
    expect(answer.headers.get('location')).toBe('/jobs/job-1');
    expect(made).toEqual([
      {
        owner: 'key:k',
        key: 'hook:cms:evt_1',
        order: {
          model: 'm',
          top_k: 3,
          callback_url: 'https://shop.example/cb',
          images: [
            { id: 'front.jpg', url: 'https://cms.example/uploads/front_5e1f.jpg' },
            { id: 'side.jpg', url: 'https://cms.example/uploads/side_77ac.jpg' },
          ],
          metadata: { entry: 7, title: 'Ankle boot, black' },
        },
      },
    ]);
  });

  it('is one job, however often it is sent, also to another time and at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => post(body, signed(body, { at: now() - i * 10 }))),
    );
    expect(made).toHaveLength(1);
    for (const { status, json, headers } of answers) {
      expect(status === 202 ? json.job : headers.get('retry-after')).toBe(status === 202 ? 'job-1' : '5');
    }
    const again = await post(body, signed(body));
    expect([again.status, again.json]).toEqual([202, { job: 'job-1', repeated: true }]);
    expect((await post(body, signed(body, { id: 'evt_2' }))).json).toEqual({ job: 'job-2', repeated: false });
  });

  it('of the same id at two sources is two', async () => {
    await addSource('other', 'standard', secret, { model: 'm', mapping });
    await post(body, signed(body));
    expect((await post(body, signed(body), 'other')).json).toEqual({ job: 'job-2', repeated: false });
  });

  it('that could not be queued is heard when it is sent again', async () => {
    create = async () => {
      throw new ServiceError('busy', 'D1 is away.', 'Try again.', { retryAfterSeconds: 5 });
    };
    expect((await post(body, signed(body))).status).toBe(503);
    create = async (n) => ({ id: `job-${n}` });
    expect((await post(body, signed(body))).json).toEqual({ job: 'job-2', repeated: false });
  });

  it('whose taker was interrupted is taken by the next after half a minute, with the same key', async () => {
    create = () => new Promise(() => {});
    const lost = app.request('/hooks/cms', { method: 'POST', body, headers: signed(body) });
    await vi.waitFor(() => expect(made).toHaveLength(1));
    expect((await post(body, signed(body))).status).toBe(503);
    await database.prepare('UPDATE hook_events SET claimed_at = claimed_at - 30').run();
    create = async (n) => ({ id: `job-${n}` });
    expect((await post(body, signed(body))).json).toEqual({ job: 'job-2', repeated: false });
    expect(new Set(made.map(({ key }) => key)).size).toBe(1);
    void lost;
  });

  it('that asks for nothing is answered well, and once', async () => {
    const other = JSON.stringify({ ...event, event: 'entry.delete' });
    expect(await post(other, signed(other))).toMatchObject({
      status: 202,
      json: { job: null, repeated: false, ignored: '/event is another' },
    });
    expect((await post(other, signed(other))).json).toEqual({ job: null, repeated: true });
    expect(made).toHaveLength(0);
  });

  it('is forgotten when no sender can send it any more', async () => {
    await post(body, signed(body));
    await database
      .prepare('UPDATE hook_events SET expires_at = ?')
      .bind(now() - 1)
      .run();
    await post(body, signed(body, { id: 'evt_2' }));
    const { results } = await database.prepare('SELECT id, expires_at FROM hook_events').all();
    expect(results.map(({ id }) => id)).toEqual(['evt_2']);
    expect(Number(results[0]?.expires_at) - now()).toBeGreaterThan(89 * 86_400);
  });

  it('of a sender that changes its secret is taken with either', async () => {
    const [older, newer] = [makeSigningSecret('hmac'), makeSigningSecret('hmac')];
    await addSource('turning', 'standard', `${newer} ${older}`, { model: 'm', mapping });
    expect((await post(body, signed(body, { by: older }), 'turning')).status).toBe(202);
    expect((await post(body, signed(body, { by: newer, id: 'evt_2' }), 'turning')).status).toBe(202);
    expect((await post(body, signed(body, { by: makeSigningSecret('hmac'), id: 'evt_3' }), 'turning')).status).toBe(
      403,
    );
  });
});

describe('an event that is not right', () => {
  it.each([
    ['unsigned', () => ({}), 403],
    ['of another secret', () => signed(body, { by: makeSigningSecret('hmac') }), 403],
    ['of another body', () => signed(`${body} `), 403],
    ['too old', () => signed(body, { at: now() - 301 }), 403],
    ['too new', () => signed(body, { at: now() + 302 }), 403],
    ['compressed', () => ({ ...signed(body), 'content-encoding': 'gzip' }), 400],
  ])('%s is refused, and nothing is remembered of it', async (_name, headers, status) => {
    const answer = await post(body, headers() as Record<string, string>);
    expect(answer.status).toBe(status);
    expect(answer.text).not.toContain(secret);
    expect(made).toHaveLength(0);
    expect((await database.prepare('SELECT * FROM hook_events').all()).results).toEqual([]);
  });

  it('above its bound is refused, by length and without', async () => {
    const large = `"${'a'.repeat(MAX_EVENT_BYTES)}"`;
    expect((await post(large, signed(large))).status).toBe(413);
    const streamed = new Blob([large]).stream();
    expect((await post(streamed, signed(large))).status).toBe(413);
  });

  it.each<[string, string | Uint8Array]>([
    ['no JSON', '{"a":'],
    ['not UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
  ])('%s is refused, and may be sent again', async (_name, bytes) => {
    const at = now();
    const id = 'evt_raw';
    const raw = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
    const start = new TextEncoder().encode(`${id}.${at}.`);
    const key = Uint8Array.from(atob(secret.slice(6)), (c) => c.charCodeAt(0));
    const hmac = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
    const mac = await crypto.subtle.sign('HMAC', hmac, new Uint8Array([...start, ...raw]));
    const signature = `v1,${btoa(String.fromCharCode(...new Uint8Array(mac)))}`;
    const headers = { 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': signature };
    expect((await post(new Uint8Array(raw), headers)).status).toBe(400);
    expect((await database.prepare('SELECT * FROM hook_events').all()).results).toEqual([]);
  });

  it.each(['unknown', 'CMS', '..%2fcms', 'cms%00', `${'a'.repeat(64)}`, "cms'--"])(
    'at /hooks/%s meets what any wrong address does',
    async (name) => {
      const answer = await post(body, signed(body), name);
      expect([answer.status, answer.text]).toEqual([404, 'nothing here']);
    },
  );

  it('by another method is refused', async () => {
    const answer = await app.request('/hooks/cms');
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

it("R2's events come through the queue and the Worker of the example, signed, and are retried until they are taken", async () => {
  await addSource('r2', 'standard', secret, { model: 'm', mapping: r2Mapping });
  const messages = ['a1', 'a2'].map((id) => ({ id, body: r2Event, ack: vi.fn(), retry: vi.fn() }));
  const fetching = vi
    .spyOn(globalThis, 'fetch')
    .mockImplementation(async (url, init) => app.request(String(url), init as RequestInit));
  const env = { HOOK_URL: 'https://classifier.example/hooks/r2', HOOK_SECRET: secret };
  const run = () => r2Worker.queue({ messages } as never, env);
  create = async () => {
    throw new Error('away');
  };
  await run();
  expect(messages.map(({ ack, retry }) => [ack.mock.calls.length, retry.mock.calls.length])).toEqual([
    [0, 1],
    [0, 1],
  ]);
  create = async (n) => ({ id: `job-${n}` });
  await run();
  await run();
  expect(messages.map(({ ack }) => ack.mock.calls.length)).toEqual([2, 2]);
  expect(made.slice(2).map(({ key, order }) => [key, order.images[0]?.url])).toEqual(
    ['a1', 'a2'].map((id) => [`hook:r2:r2_${id}`, 'https://photos.shop.example/2026/ankle%20boot%20%231.jpg']),
  );
  fetching.mockRestore();
});
