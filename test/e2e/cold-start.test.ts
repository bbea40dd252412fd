import { afterAll, beforeAll, expect, it } from 'vitest';
import { png } from '../fixtures/png.ts';
import { type Service, startService } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.stop());

const picture = png(28, 28, new Uint8Array(784));
const classify = (signal?: AbortSignal) =>
  fetch(`${service.base}/classify/fashion-mlp`, { method: 'POST', body: picture, ...(signal && { signal }) });

it('loads a model to the end even when the client that asked for it first hangs up', async () => {
  const impatient = Array.from({ length: 8 }, (_, i) => classify(AbortSignal.timeout(1 + i * 3)).catch(() => null));
  await Promise.all(impatient);
  const answers = await Promise.all(Array.from({ length: 8 }, () => classify(AbortSignal.timeout(20_000))));
  for (const answer of answers) expect(answer.status).toBe(200);
});
