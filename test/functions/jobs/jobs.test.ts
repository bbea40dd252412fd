import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Job, WakeUp } from '../../../functions/jobs/job.ts';
import { JobStore, type Outcome } from '../../../functions/jobs/store.ts';
import { addKey, bearer, emptyTables, unlimited } from '../access/protected-service.ts';
import { PNG } from '../routes/small-service.ts';
import { BROKEN, bucket, jobService, secret } from './job-service.ts';

const CALLBACK = 'http://127.0.0.1:9/callback';
const DAY_MS = 86_400_000;

let database: D1Database;
let sent: WakeUp[];
let queueIsAway: boolean;
let lines: Readonly<Record<string, unknown>>[];
let service: Awaited<ReturnType<typeof serviceOf>>;

async function serviceOf(keys: boolean) {
  const queue = {
    send: async (wakeUp: WakeUp) => {
      if (queueIsAway) throw new Error('the queue is away');
      sent.push(wakeUp);
    },
    sendBatch: async (messages: { body: WakeUp }[]) => void sent.push(...messages.map(({ body }) => body)),
  } as unknown as Queue<unknown>;
  return jobService({
    database,
    queue,
    log: (line) => lines.push(line),
    ...(keys && { access: { database, limits: { key: unlimited, address: unlimited } } }),
  });
}

beforeEach(async () => {
  database = await emptyTables();
  sent = [];
  lines = [];
  queueIsAway = false;
  service = await serviceOf(false);
});
afterEach(() => vi.restoreAllMocks());

const order = (more: object = {}) => ({
  model: 'a',
  images: [PNG, BROKEN, PNG].map((image, i) => ({ id: `i${i}`, image })),
  callback_url: CALLBACK,
  metadata: { order: 'A-1' },
  ...more,
});

async function ask(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  const answer = await service.app.request(path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: answer.status, headers: answer.headers, json: await answer.json<Job & { type: string }>() };
}

const post = (body: object, headers: Record<string, string> = {}) => ask('POST', '/jobs', body, headers);
const get = async (id: string) => (await ask('GET', `/jobs/${id}`)).json;

/** What a receiver got, which answers as told. */
function receiver(...answers: Response[]) {
  const got: { headers: Record<string, string>; body: string; redirect: string | undefined }[] = [];
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (_url, init) => {
    got.push({
      headers: Object.fromEntries(new Headers(init?.headers)),
      body: String(init?.body),
      redirect: init?.redirect,
    });
    return answers.shift() ?? new Response(null, { status: 204 });
  });
  return got;
}

async function drain(): Promise<void> {
  for (let next = sent.shift(); next; next = sent.shift()) await service.jobs.run(next);
}

/** As if `ms` had gone by, for whatever waits. */
const later = (ms: number) =>
  database.batch(
    ['jobs', 'deliveries'].map((table) =>
      database
        .prepare(
          `UPDATE ${table} SET due_at = due_at - ?1, woken_at = woken_at - ?1, leased_until = max(0, leased_until - ?1)`,
        )
        .bind(ms),
    ),
  );

describe('a job', () => {
  it('ends with a result for each picture, and one signed callback', async () => {
    const got = receiver();
    const { status, headers, json } = await post(order());
    expect([status, headers.get('location'), json.status]).toEqual([202, `/jobs/${json.id}`, 'queued']);
    await drain();
    const job = await get(json.id);
    expect(job).toMatchObject({ status: 'partial', counts: { total: 3, succeeded: 2, failed: 1 } });
    expect(job.results.map((result) => [result.id, result.status, result.predictions?.length])).toEqual([
      ['i0', 'succeeded', expect.any(Number)],
      ['i1', 'failed', undefined],
      ['i2', 'succeeded', expect.any(Number)],
    ]);
    expect(job.results[1]?.error?.type).toBe('/problems#image-unsupported');
    expect(got).toHaveLength(1);
    const [{ headers: signed = {}, body = '', redirect } = {}] = got;
    const event = new Webhook(secret).verify(body, signed) as { type: string; data: Job };
    expect([event.type, event.data.id, event.data.metadata]).toEqual(['job.completed', job.id, { order: 'A-1' }]);
    expect([redirect, job.deliveries[0]?.status]).toEqual(['manual', 'delivered']);
  });

  it.each([
    [[PNG], 'succeeded'],
    [[BROKEN, BROKEN], 'failed'],
    [[PNG, BROKEN], 'partial'],
  ])('of %j is %s', async (images, status) => {
    receiver();
    const { json } = await post(order({ images: images.map((image) => ({ image })) }));
    await drain();
    expect((await get(json.id)).status).toBe(status);
  });

  it('whose every message was lost is taken up by the sweep', async () => {
    const got = receiver();
    queueIsAway = true;
    const { status, json } = await post(order());
    expect(status).toBe(202);
    for (let i = 0; i < 3; i++) {
      await later(61_000);
      await service.jobs.sweep();
      await drain();
    }
    expect([(await get(json.id)).status, got.length]).toEqual(['partial', 1]);
  });

  it('woken many times at once is classified and called back once', async () => {
    const got = receiver();
    const { json } = await post(order());
    await Promise.all(Array.from({ length: 6 }, () => service.jobs.run({ job: json.id })));
    const wakeUps = sent.filter((wakeUp) => 'delivery' in wakeUp);
    expect(wakeUps).toHaveLength(1);
    await Promise.all(wakeUps.flatMap((wakeUp) => [1, 2, 3].map(() => service.jobs.run(wakeUp))));
    await drain();
    const { results } = await database.prepare('SELECT sum(attempts) AS n FROM job_images').all<{ n: number }>();
    expect([got.length, results[0]?.n]).toEqual([1, 3]);
  });

  it('is not written by one whose lease is over, nor by one that was cancelled', async () => {
    const { json } = await post(order());
    const store = new JobStore(database);
    const outcome: Outcome = { position: 0, state: 'succeeded', result: { predictions: [] } };
    expect(await store.lease(json.id, 'first')).toBeDefined();
    expect(await store.lease(json.id, 'second')).toBeUndefined();
    await later(91_000);
    expect(await store.lease(json.id, 'second')).toBeDefined();
    expect(await store.write(json.id, 'first', [outcome])).toBe(false);
    expect((await get(json.id)).results[0]?.status).toBe('queued');
    expect(await store.write(json.id, 'second', [outcome])).toBe(true);
    expect((await ask('DELETE', `/jobs/${json.id}`)).json.status).toBe('cancelled');
    expect(await store.write(json.id, 'second', [{ ...outcome, position: 1 }])).toBe(false);
    expect(await store.settle(json.id, 'second', 'msg_x', 0)).toBeUndefined();
    const job = await get(json.id);
    expect([job.status, job.results.map(({ status }) => status), job.deliveries]).toEqual([
      'cancelled',
      ['succeeded', 'cancelled', 'cancelled'],
      [],
    ]);
  });

  it('that has ended cannot be cancelled', async () => {
    receiver();
    const { json } = await post(order());
    await drain();
    expect(await ask('DELETE', `/jobs/${json.id}`)).toMatchObject({
      status: 409,
      json: { type: '/problems#job-state' },
    });
  });
});

describe('an idempotency key', () => {
  it('makes one job, quoted or bare, also at once; another body is refused', async () => {
    const key = (value: string) => ({ 'idempotency-key': value });
    const answers = await Promise.all(Array.from({ length: 5 }, () => post(order(), key('k'))));
    const ids = answers.filter(({ status }) => status === 202).map(({ json }) => json.id);
    expect(new Set(ids).size).toBe(1);
    for (const { status } of answers) expect([202, 409]).toContain(status);
    expect((await post(order(), key('"k"'))).json.id).toBe(ids[0]);
    expect((await post(order({ top_k: 1 }), key('k'))).status).toBe(422);
    expect((await post(order(), key('other'))).json.id).not.toBe(ids[0]);
  });

  it('of a first request that is still at work is 409, and free when it expires', async () => {
    await post(order(), { 'idempotency-key': 'k' });
    await database.prepare('UPDATE idempotency SET accepted = 0').run();
    expect((await post(order(), { 'idempotency-key': 'k' })).status).toBe(409);
    await database.prepare('UPDATE idempotency SET accepted = 1, expires_at = 1').run();
    expect((await post(order({ top_k: 1 }), { 'idempotency-key': 'k' })).status).toBe(202);
  });
});

describe('a callback', () => {
  const retryIn = async (answer: Response) => {
    receiver(answer);
    const { json } = await post(order());
    await drain();
    const [delivery] = (await get(json.id)).deliveries;
    return { id: json.id, delivery, seconds: (Date.parse(delivery?.next_attempt_at ?? '') - Date.now()) / 1000 };
  };

  it.each([500, 429, 302, 404])('answered %i is tried again within 5 s, signed anew with its id', async (status) => {
    const { id, delivery, seconds } = await retryIn(new Response(null, { status }));
    expect([delivery?.status, delivery?.attempts[0]?.status]).toEqual(['pending', status]);
    expect(seconds).toBeGreaterThan(1);
    expect(seconds).toBeLessThan(5);
    const got = receiver();
    await later(5_000);
    await service.jobs.run({ delivery: delivery?.id ?? '' });
    expect(new Webhook(secret).verify(got[0]?.body ?? '', got[0]?.headers ?? {})).toMatchObject({ data: { id } });
    expect(got[0]?.headers['webhook-id']).toBe(delivery?.id);
  });

  it('waits as Retry-After says', async () => {
    const { seconds } = await retryIn(new Response(null, { status: 503, headers: { 'retry-after': '120' } }));
    expect(seconds).toBeGreaterThan(115);
    expect(seconds).toBeLessThanOrEqual(120);
  });

  it('answered 410 switches the endpoint off, and is sent once more where somebody asks', async () => {
    const { id, delivery } = await retryIn(new Response(null, { status: 410 }));
    expect([delivery?.status, delivery?.endpoint_off]).toEqual(['failed', true]);
    expect(lines).toContainEqual(expect.objectContaining({ endpoint: '127.0.0.1:9' }));
    const got = receiver();
    expect((await ask('POST', `/jobs/${id}/redeliver`)).status).toBe(202);
    await drain();
    const [again] = (await get(id)).deliveries;
    expect([again?.id, again?.status, again?.endpoint_off]).toEqual([delivery?.id, 'delivered', false]);
    expect(got[0]?.headers['webhook-id']).toBe(delivery?.id);
  });

  it('that nobody ever takes ends after three days', async () => {
    vi.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('connection refused'));
    const { json } = await post(order());
    await drain();
    let waited = 0;
    for (let delivery = (await get(json.id)).deliveries[0]; delivery?.status === 'pending'; ) {
      const ms = Math.max(0, Date.parse(delivery.next_attempt_at ?? '') - Date.now()) + 10;
      waited += ms;
      await later(ms);
      await service.jobs.run({ delivery: delivery.id });
      delivery = (await get(json.id)).deliveries[0];
    }
    expect(waited / DAY_MS).toBeGreaterThan(2.7);
    expect(waited / DAY_MS).toBeLessThan(3.6);
    expect((await get(json.id)).deliveries[0]?.attempts).toHaveLength(12);
  });

  it('above 20 kB says counts and where the job is', async () => {
    const got = receiver();
    const { json } = await post(order({ metadata: { text: 'x'.repeat(15_000) }, images: many(100) }));
    await drain();
    const { data } = JSON.parse(got[0]?.body ?? '') as { data: Record<string, unknown> };
    expect(data.results).toBeUndefined();
    expect([data.counts, String(data.url)]).toEqual([
      { total: 100, succeeded: 100, failed: 0 },
      expect.stringMatching(new RegExp(`^http.*/jobs/${json.id}$`)),
    ]);
  });
});

const many = (n: number) => Array.from({ length: n }, () => ({ image: PNG }));

describe('an order that is not right', () => {
  it.each([
    [{ images: [] }, 400],
    [{ images: many(101) }, 400],
    [{ model: 'nothing' }, 404],
    [
      {
        images: [
          { id: 'x', image: PNG },
          { id: 'x', image: PNG },
        ],
      },
      400,
    ],
    [{ images: [{ image: '%%' }] }, 400],
    [{ callback_url: 'http://10.0.0.1/' }, 400],
    [{ surprise: 1 }, 400],
  ])('%j is refused and leaves nothing', async (more, status) => {
    expect((await post(order(more), { 'idempotency-key': 'k' })).status).toBe(status);
    for (const table of ['jobs', 'job_images', 'idempotency']) {
      expect((await database.prepare(`SELECT * FROM ${table}`).all()).results, table).toEqual([]);
    }
  });

  it('names an address inside: the picture fails, nothing is fetched', async () => {
    const got = receiver();
    const { json } = await post(order({ images: [{ url: 'https://169.254.169.254/x' }], callback_url: undefined }));
    await drain();
    expect([(await get(json.id)).results[0]?.error?.type, got.length]).toEqual(['/problems#address-refused', 0]);
  });
});

it('a form with files is the same', async () => {
  const form = new FormData();
  form.set('order', JSON.stringify({ model: 'a' }));
  const bytes = Uint8Array.from(atob(PNG), (c) => c.charCodeAt(0));
  for (const name of ['x.png', 'y.png']) form.append('images', new File([bytes], name));
  const answer = await service.app.request('/jobs', { method: 'POST', body: form });
  expect(answer.status).toBe(202);
  await drain();
  const job = await get((await answer.json<Job>()).id);
  expect([job.status, job.results.map(({ id }) => id)]).toEqual(['succeeded', ['x.png', 'y.png']]);
});

it('a list goes on from its cursor, newest first', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) {
    const { id } = (await post(order())).json;
    // Two in one millisecond are in the order of their ids.
    await database.prepare('UPDATE jobs SET created_at = created_at + ? WHERE id = ?').bind(i, id).run();
    ids.unshift(id);
  }
  const seen: string[] = [];
  let cursor = '';
  do {
    const answer = await service.app.request(`/jobs?limit=2${cursor && `&cursor=${cursor}`}`);
    const page = await answer.json<{ jobs: Job[]; next: string | null }>();
    seen.push(...page.jobs.map(({ id }) => id));
    cursor = page.next ?? '';
  } while (cursor !== '');
  expect(seen).toEqual(ids);
});

it('what is old is forgotten by the schedule: rows, log and pictures', async () => {
  receiver();
  const old = (await post(order())).json.id;
  await drain();
  const young = (await post(order())).json.id;
  await drain();
  await database
    .prepare('UPDATE jobs SET ended_at = ended_at - ? WHERE id = ?')
    .bind(7 * DAY_MS, old)
    .run();
  expect((await bucket.list({ prefix: `jobs/${old}/` })).objects).toHaveLength(1);
  await service.jobs.sweep();
  expect((await ask('GET', `/jobs/${old}`)).status).toBe(404);
  expect((await bucket.list({ prefix: `jobs/${old}/` })).objects).toEqual([]);
  for (const table of ['job_images', 'deliveries']) {
    const { results } = await database.prepare(`SELECT DISTINCT job FROM ${table}`).all();
    expect(results).toEqual([{ job: young }]);
  }
  expect((await database.prepare('SELECT * FROM delivery_attempts').all()).results).toHaveLength(1);
});

describe('with keys on', () => {
  it('a key sees, lists, cancels and redelivers its own jobs only, and pays when they are accepted', async () => {
    service = await serviceOf(true);
    const [mine, others] = [await addKey({ id: 'aaaaaaaaaaaa', quota: 5 }), await addKey({ id: 'bbbbbbbbbbbb' })];
    const { status, json } = await post(order(), bearer(mine));
    expect(status).toBe(202);
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/redeliver'],
    ] as const) {
      expect((await ask(method, `/jobs/${json.id}${path}`, undefined, bearer(others))).status).toBe(404);
    }
    expect((await ask('GET', '/jobs', undefined, bearer(others))).json).toEqual({ jobs: [], next: null });
    expect((await ask('GET', `/jobs/${json.id}`, undefined, bearer(mine))).json.status).toBe('queued');
    expect((await post(order(), bearer(mine))).status).toBe(429);
    const used = await database.prepare(`SELECT images FROM usage WHERE key_id = 'aaaaaaaaaaaa'`).first('images');
    expect(used).toBe(3);
  });
});
