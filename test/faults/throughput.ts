import { Miniflare } from 'miniflare';
import { assets, builtWorker, PLATFORM } from '../bench/direct-worker.ts';
import { migrations } from '../bench/load-subjects.ts';
import { png } from '../fixtures/png.ts';

/**
 * `npm run test:throughput`: Fashion pictures a second through jobs, from the first order to the last end. All pictures
 * differ, so that no answer is one that was kept. The figure is of the built Worker on workerd itself, with its database,
 * bucket and queue, on one machine with the client.
 */
const JOBS = 20;
const IMAGES = 100;
const SIDE = 28;
const MODEL = 'fashion-mlp';
const ROUNDS = 3;
const LIMIT_MS = 120_000;

let made = 0;
/** Noise, with its number in the first pixels. */
function picture(): string {
  const n = made++;
  const pixels = Uint8Array.from({ length: SIDE * SIDE }, (_, i) => (i * 31 + n * 17 + ((n * i) >> 3)) & 255);
  new DataView(pixels.buffer).setUint32(0, n);
  return png(SIDE, SIDE, pixels).toString('base64');
}

const miniflare = new Miniflare({
  ...PLATFORM,
  ...builtWorker(),
  bindings: { ACCESS: 'off', ANSWER_CACHE: 'off' },
  serviceBindings: assets(),
  d1Databases: ['DB'],
  r2Buckets: ['JOB_IMAGES'],
  queueProducers: { JOBS: 'jobs' },
  // As in wrangler.toml.
  queueConsumers: { jobs: { maxBatchSize: 10, maxBatchTimeout: 0 } },
});
const base = String(await miniflare.ready).replace(/\/$/, '');
const database = await miniflare.getD1Database('DB');
for (const sql of migrations()) await database.prepare(sql).run();
const get = async <T>(address: string) => (await (await fetch(`${base}${address}`)).json()) as T;

/** @returns pictures a second */
async function round(): Promise<number> {
  const bodies = Array.from({ length: JOBS }, () =>
    JSON.stringify({ model: MODEL, images: Array.from({ length: IMAGES }, () => ({ image: picture() })) }),
  );
  const began = Date.now();
  const ids = await Promise.all(
    bodies.map(async (body) => {
      const answer = await fetch(`${base}/jobs`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      if (answer.status !== 202) throw new Error(`POST /jobs: ${answer.status} ${await answer.text()}`);
      return ((await answer.json()) as { id: string }).id;
    }),
  );
  let ended = 0;
  for (const id of ids) {
    for (;;) {
      const job = await get<{ status: string; ended_at?: string; counts: { succeeded: number } }>(`/jobs/${id}`);
      if (job.ended_at !== undefined) {
        if (job.counts.succeeded !== IMAGES) throw new Error(`${id}: ${job.counts.succeeded} of ${IMAGES} succeeded`);
        ended = Math.max(ended, Date.parse(job.ended_at));
        break;
      }
      if (Date.now() - began > LIMIT_MS) throw new Error(`${id} is ${job.status} after ${LIMIT_MS / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return (1000 * JOBS * IMAGES) / (ended - began);
}

try {
  const figures: number[] = [];
  for (let i = 0; i < ROUNDS; i++) figures.push(await round());
  const rates = figures.map((figure) => figure.toFixed(0)).join(', ');
  console.log(`${MODEL}: ${rates} images/s through ${JOBS} jobs of ${IMAGES}, one figure a round`);
} finally {
  await miniflare.dispose();
}
