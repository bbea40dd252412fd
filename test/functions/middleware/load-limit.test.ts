import { Hono } from 'hono';
import { describe, expect, it, vi } from 'vitest';
import { LoadLimit, loadLimit } from '../../../functions/middleware/load-limit.ts';
import { problem } from '../../../functions/middleware/problem.ts';

function service(limits: ConstructorParameters<typeof LoadLimit>[0]) {
  const app = new Hono();
  app.onError(problem);
  app.use(loadLimit(new LoadLimit(limits)));
  const waiting: (() => void)[] = [];
  app.get('/slow', async (c) => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    return c.text('done');
  });
  app.get('/fast', (c) => c.text('done'));
  app.get('/broken', () => {
    throw new Error('broken');
  });
  return { app, waiting };
}

describe('the limit of load', () => {
  it('refuses one more than there may be at once, and forgets those that ended', async () => {
    const { app, waiting } = service({ maxRequests: 2 });
    for (let i = 0; i < 5; i++) expect((await app.request('/broken')).status).toBe(500);
    const slow = [app.request('/slow'), app.request('/slow')];
    await vi.waitFor(() => expect(waiting).toHaveLength(2));
    const refused = await app.request('/fast');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    for (const go of waiting) go();
    for (const answer of await Promise.all(slow)) expect(answer.status).toBe(200);
    expect((await app.request('/fast')).status).toBe(200);
  });

  it('ends what takes too long', async () => {
    const { app } = service({ maxMs: 50 });
    const answer = await app.request('/slow');
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining('not done after')]);
  });

  it('does not count for ever those whose client went away', async () => {
    const { app, waiting } = service({ maxRequests: 1, maxMs: 1_000 });
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    try {
      app.request('/slow');
      await vi.waitUntil(() => waiting.length === 1);
      expect((await app.request('/fast')).status).toBe(503);
      vi.setSystemTime(Date.now() + 1_001);
      expect((await app.request('/fast')).status).toBe(200);
    } finally {
      vi.useRealTimers();
    }
  });
});
