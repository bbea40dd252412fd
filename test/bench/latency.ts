/**
 * `npm run latency -- [--model ID] [--starts N] [--direct]`: what a client on loopback waits for; --direct leaves out the
 * proxy of `wrangler dev`. Cold: the first classification
 * of a freshly started Worker. Warm: one request after the other, then eight at a time.
 */
import { parseArgs } from 'node:util';
import { startService } from '../e2e/service.ts';
import { png } from '../fixtures/png.ts';
import { startDirectly } from './direct-worker.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'fashion-mlp' },
    starts: { type: 'string', default: '5' },
    direct: { type: 'boolean', default: false },
  },
});
const REQUESTS = 2000;

/** A different picture each time: nothing may be remembered. */
const picture = (seed: number) =>
  png(
    28,
    28,
    Uint8Array.from({ length: 784 }, (_, i) => (i * 31 + seed * 17) % 256),
  );

async function classify(base: string, seed: number): Promise<number> {
  const body = picture(seed);
  const start = performance.now();
  const response = await fetch(`${base}/classify/${values.model}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'image/png' },
  });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  return performance.now() - start;
}

function show(name: string, times: number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (q: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0).toFixed(2).padStart(8);
  console.log(`${name.padEnd(28)} p50 ${at(0.5)} ms   p99 ${at(0.99)} ms   max ${at(1)} ms   n ${times.length}`);
}

const cold: number[] = [];
for (let start = 1; start <= Number(values.starts); start++) {
  const service = await (values.direct ? startDirectly() : startService());
  cold.push(await classify(service.base, 0));
  if (start === Number(values.starts)) {
    show(`${values.model}, cold`, cold);
    for (let i = 0; i < 200; i++) await classify(service.base, i);
    const warm: number[] = [];
    for (let i = 0; i < REQUESTS; i++) warm.push(await classify(service.base, i));
    show('warm, one at a time', warm);
    let next = 0;
    const crowded: number[] = [];
    const worker = async () => {
      while (next < REQUESTS) crowded.push(await classify(service.base, next++));
    };
    const begin = performance.now();
    await Promise.all(Array.from({ length: 8 }, worker));
    show('warm, eight at a time', crowded);
    console.log(`${(REQUESTS / ((performance.now() - begin) / 1000)).toFixed(0)} requests/s`);
  }
  await service.stop();
}
