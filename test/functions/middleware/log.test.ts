import { describe, expect, it } from 'vitest';
import { traceOf, traceparent } from '../../../functions/middleware/trace.ts';
import { addKey, bearer, emptyTables, picture, protectedService } from '../access/protected-service.ts';

/** Of the specification, section 3.2.3. */
const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('a log line', () => {
  it('says who asked what and what became of it, and nothing of the image or the key', async () => {
    await emptyTables();
    const key = await addKey({ id: '0123456789ab' });
    const { app, lines } = await protectedService();
    const answer = await app.request(`/classify/a?top_k=1&secret=${key}`, {
      method: 'POST',
      body: picture,
      headers: {
        ...bearer(key),
        'content-length': String(picture.length),
        'x-request-id': 'mine',
        traceparent: PARENT,
      },
    });
    expect(answer.status).toBe(400);
    await app.request('/classify/a?top_k=1', {
      method: 'POST',
      body: picture,
      headers: { ...bearer(key), 'content-length': String(picture.length) },
    });
    expect(lines[0]).toMatchObject({
      requestId: 'mine',
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      method: 'POST',
      path: '/classify/a',
      status: 400,
      problem: 'bad-option',
      bytes: picture.length,
      caller: 'key:0123456789ab',
    });
    expect(lines[1]).toMatchObject({ status: 200, model: 'a', version: '0'.repeat(64), waitedMs: expect.any(Number) });
    const written = JSON.stringify(lines);
    expect(written).not.toContain(key);
    expect(written).not.toContain(btoa(String.fromCharCode(...picture)).slice(0, 40));
  });

  it('tells each request its own, however many are at work', async () => {
    const { app, lines } = await protectedService({}, { access: undefined } as object);
    const ids = Array.from({ length: 20 }, (_, i) => (i % 3 === 0 ? 'a' : i % 3 === 1 ? 'b' : 'nobody'));
    await Promise.all(
      ids.map((id, i) =>
        app.request(`/classify/${id}`, { method: 'POST', body: picture, headers: { 'x-request-id': `${id}-${i}` } }),
      ),
    );
    expect(lines).toHaveLength(20);
    for (const line of lines) {
      const [id] = String(line.requestId).split('-');
      expect([line.model, line.problem]).toEqual(id === 'nobody' ? [undefined, 'model-unknown'] : [id, undefined]);
    }
  });
});

describe('traceparent', () => {
  it('is continued with a span of our own, also on answers that refuse', async () => {
    const { app } = await protectedService();
    for (const path of ['/health/live', '/models', '/nothing']) {
      const answer = await app.request(path, { headers: { traceparent: PARENT } });
      const [version, traceId, spanId, flags] = answer.headers.get('traceparent')?.split('-') ?? [];
      expect([version, traceId, flags], path).toEqual(['00', '0af7651916cd43dd8448eb211c80319c', '01']);
      expect(spanId).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
      expect(spanId).not.toBe('b7ad6b7169203331');
    }
  });

  it.each([
    ['nothing', null],
    ['no text', ''],
    ['version ff', PARENT.replace(/^00/, 'ff')],
    ['upper case', PARENT.toUpperCase()],
    ['a trace of zeros', PARENT.replace(/[0-9a-f]{32}/, '0'.repeat(32))],
    ['a parent of zeros', PARENT.replace('b7ad6b7169203331', '0'.repeat(16))],
    ['more in version 00', `${PARENT}-00`],
    ['a short trace', PARENT.replace('0af7', '')],
    ['other characters', PARENT.replace('0af7', '0ag7')],
    ['two of them', `${PARENT}, ${PARENT}`],
    ['flags of one digit', PARENT.slice(0, -1)],
  ])('with %s is replaced', (_name, header) => {
    const trace = traceOf(header, 'vendor=1');
    expect(trace.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(trace.traceId).not.toBe('0af7651916cd43dd8448eb211c80319c');
    expect(trace.state).toBeUndefined();
    expect(traceparent(trace)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });

  it('of a later version is understood as far as this one goes, and answered in this one', () => {
    const trace = traceOf(`cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03-more`, 'vendor=1');
    expect(traceparent(trace)).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
    expect(trace.state).toBe('vendor=1');
    expect(traceOf(PARENT.replace(/01$/, '02'), 'x'.repeat(513))).toMatchObject({ sampled: false });
    expect(traceOf(PARENT, 'x'.repeat(513)).state).toBeUndefined();
  });
});
