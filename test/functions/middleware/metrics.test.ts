import { describe, expect, it } from 'vitest';
import type { DataPoint } from '../../../functions/host.ts';
import { exposition } from '../../../functions/middleware/exposition.ts';
import { Metrics } from '../../../functions/middleware/metrics.ts';
import type { Ended } from '../../../functions/middleware/record.ts';
import { addKey, bearer, emptyTables, protectedService } from '../access/protected-service.ts';
import { parseExposition } from './exposition-parser.ts';

type Service = Pick<Awaited<ReturnType<typeof protectedService>>, 'app'>;

async function scrape({ app }: Service) {
  const answer = await app.request('/metrics');
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(answer.headers.get('cache-control')).toBe('no-store');
  const families = parseExposition(await answer.text());
  const value = (name: string, labels: Record<string, string> = {}) =>
    families
      .get(name)
      ?.samples.find((sample) => sample.name === name && JSON.stringify(sample.labels) === JSON.stringify(labels))
      ?.value;
  return { families, value };
}

const open = { access: undefined } as object;

describe('GET /metrics', () => {
  it('counts requests by route, model and status, and errors by kind', async () => {
    const service = await protectedService({}, open);
    expect((await service.classify({})).status).toBe(200);
    expect((await service.classify({}, 'b')).status).toBe(200);
    expect((await service.classify({}, 'nobody')).status).toBe(404);
    expect((await service.app.request('/classify/a', { method: 'POST', body: 'no picture' })).status).toBe(415);
    expect((await service.app.request('/classify/a')).status).toBe(405);
    expect((await service.app.request('/v1/models/a')).status).toBe(200);
    expect((await service.app.request('/nothing/here')).status).toBe(404);
    const { value, families } = await scrape(service);
    const requests = (labels: Record<string, string>) => value('classifier_requests_total', labels);
    expect(requests({ route: '/classify/{model}', model: 'a', status: '200' })).toBe(1);
    expect(requests({ route: '/classify/{model}', model: 'b', status: '200' })).toBe(1);
    expect(requests({ route: '/classify/{model}', model: 'a', status: '415' })).toBe(1);
    expect(requests({ route: '/classify/{model}', model: '', status: '405' })).toBe(1);
    expect(requests({ route: '/v1/*', model: '', status: '200' })).toBe(1);
    expect(requests({ route: 'other', model: '', status: '404' })).toBe(1);
    for (const kind of ['model-unknown', 'image-unsupported', 'method-not-allowed', 'route-unknown']) {
      expect(value('classifier_errors_total', { kind }), kind).toBe(1);
    }
    expect(value('classifier_wait_seconds_count')).toBeUndefined();
    const waits = families.get('classifier_wait_seconds')?.samples.find(({ name }) => name.endsWith('_count'));
    expect(waits?.value).toBe(7);
    const model = 1_000_016;
    expect(value('classifier_memory_bytes')).toBeGreaterThanOrEqual(2 * model);
    expect(value('classifier_memory_limit_bytes')).toBe(100_000_000);
    expect(value('classifier_cold_starts_total')).toBe(1);
    expect(Math.abs((value('classifier_start_time_seconds') ?? 0) - Date.now() / 1000)).toBeLessThan(60);
  });

  it('never makes a label of what a caller wrote', async () => {
    const service = await protectedService({}, open);
    for (const name of ['evil"} 1', 'x\\', 'a%0Ab', 'nobody', 'ek_0123456789ab_secret']) {
      for (const path of ['/classify', '/v1/models', '/v2/models', '/hf/models', '']) {
        await service.app.request(`${path}/${encodeURI(name)}`, { method: 'POST', body: 'x' });
      }
    }
    const { families } = await scrape(service);
    const text = JSON.stringify([...families]);
    expect(text).not.toMatch(/evil|nobody|secret|x\\\\/);
    expect(families.get('classifier_requests_total')?.samples.length).toBeLessThan(15);
  });

  it('counts admissions that were refused', async () => {
    const service = await protectedService({}, { ...open, memoryBytes: 900_000 });
    expect((await service.classify({})).status).toBe(503);
    const { value } = await scrape(service);
    expect(value('classifier_admissions_refused_total')).toBe(1);
    expect(value('classifier_errors_total', { kind: 'busy' })).toBe(1);
  });

  it('is closed where access is on, but for keys with that route', async () => {
    await emptyTables();
    const { app } = await protectedService();
    expect((await app.request('/metrics')).status).toBe(401);
    const other = await addKey({ routes: ['classify', 'models'] });
    expect((await app.request('/metrics', { headers: bearer(other) })).status).toBe(403);
    const key = await addKey({ routes: ['metrics'] });
    const answer = await app.request('/metrics', { headers: bearer(key) });
    const { samples = [] } = parseExposition(await answer.text()).get('classifier_requests_total') ?? {};
    expect(samples.map(({ labels }) => `${labels.route} ${labels.status}`)).toEqual(['/metrics 401', '/metrics 403']);
  });
});

describe('what is counted', () => {
  const ended = (fields: Partial<Ended>): Ended => ({
    requestId: 'r',
    trace: { traceId: 't', spanId: 's', sampled: false },
    method: 'GET',
    route: '/models',
    path: '/models',
    status: 200,
    bytes: undefined,
    waitedMs: 0,
    caller: undefined,
    error: undefined,
    ...fields,
  });

  it('stays within 2,000 series, however many models and routes there are', () => {
    const metrics = new Metrics({ totalBytes: 1, freeBytes: 1, refused: 0 });
    for (let i = 0; i < 3_000; i++) metrics.count(ended({ model: `m${i}` }));
    const { samples = [] } = parseExposition(metrics.text()).get('classifier_requests_total') ?? {};
    expect(samples.length).toBe(2_001);
    expect(samples.at(-1)).toMatchObject({ labels: { route: 'other', model: 'other', status: 'other' }, value: 1_000 });
  });

  it('falls into the bucket that bounds it from above', () => {
    const metrics = new Metrics({ totalBytes: 1, freeBytes: 1, refused: 0 });
    for (const waitedMs of [0, 5, 6, 100, 40_000]) metrics.count(ended({ waitedMs, bytes: 10 }));
    const families = parseExposition(metrics.text());
    const { samples = [] } = families.get('classifier_wait_seconds') ?? {};
    const at = (le: string) => samples.find(({ labels }) => labels.le === le)?.value;
    expect([at('0.005'), at('0.01'), at('0.1'), at('30'), at('+Inf')]).toEqual([2, 3, 4, 4, 5]);
    expect(samples.find(({ name }) => name.endsWith('_sum'))?.value).toBeCloseTo(40.111);
    expect(families.get('classifier_received_bytes_total')?.samples[0]?.value).toBe(50);
  });
});

describe('the text format', () => {
  it('keeps quotes, backslashes and line ends in labels and help', () => {
    const value = 'a"b\\c\nd,e="f"}';
    const help = 'one\\two\nthree "four"';
    const text = exposition([
      { name: 'x_total', type: 'counter', help, samples: [{ labels: { value }, value: 1e21 }] },
    ]);
    const family = parseExposition(text).get('x_total');
    expect(family?.samples).toEqual([{ name: 'x_total', labels: { value }, value: 1e21 }]);
    expect(text.split('\n')[0]).toBe(String.raw`# HELP x_total one\\two\nthree "four"`);
  });

  it.each([
    'x 1',
    '# HELP x h\n# TYPE x counter\nx{a="1} 1\n',
    '# HELP x h\n# TYPE x counter\nx 1\nx 2\n',
    '# HELP x h\n# TYPE x counter\ny 1\n',
    '# HELP x h\n# TYPE x counter\nx one\n',
    '# HELP x h\n# TYPE x histogram\nx_bucket{le="+Inf"} 1\nx_sum 1\nx_count 2\n',
  ])('the reader of these tests refuses %j', (text) => {
    expect(() => parseExposition(text)).toThrow();
  });
});

describe('data points', () => {
  it('have a column for each fact, one a request, and the first says that the isolate was cold', async () => {
    await emptyTables();
    const key = await addKey({ id: '0123456789ab' });
    const points: DataPoint[] = [];
    const service = await protectedService({}, { metrics: { writeDataPoint: (point) => points.push(point) } });
    await service.classify(bearer(key));
    await service.app.request('/classify/a', {
      method: 'POST',
      body: 'x',
      headers: { ...bearer(key), 'content-length': '1' },
    });
    expect(points).toEqual([
      {
        indexes: ['/classify/{model}'],
        blobs: ['/classify/{model}', 'a', '0'.repeat(64), '', expect.any(String), 'key:0123456789ab', 'POST'],
        doubles: [200, expect.any(Number), expect.any(Number), 1],
      },
      {
        indexes: ['/classify/{model}'],
        blobs: [
          '/classify/{model}',
          'a',
          '0'.repeat(64),
          'image-unsupported',
          expect.any(String),
          'key:0123456789ab',
          'POST',
        ],
        doubles: [415, 1, expect.any(Number), 0],
      },
    ]);
    expect(JSON.stringify(points)).not.toContain(key);
  });

  it('that cannot be written change no answer', async () => {
    const metrics = {
      writeDataPoint: () => {
        throw new Error('no quota');
      },
    };
    const service = await protectedService({}, { ...open, metrics });
    expect((await service.classify({})).status).toBe(200);
    expect(service.lines).toContainEqual({ error: 'a data point was not written: Error: no quota' });
  });
});
