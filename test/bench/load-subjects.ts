import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Miniflare, type WorkerOptions } from 'miniflare';
import sharp from 'sharp';
import { makeKey } from '../../functions/access/key.ts';
import { png } from '../fixtures/png.ts';
import { childrenOf } from './cpu-time.ts';
import { assets, builtWorker, PLATFORM } from './direct-worker.ts';
import { bundle } from './workerd.ts';

const root = path.join(import.meta.dirname, '../..');

/** A Worker in a workerd of its own, and what it is asked. */
export interface Subject {
  readonly name: string;
  readonly base: string;
  /** The process, where the system tells which. */
  readonly pid: number | undefined;
  /** Bytes of the n-th request. */
  readonly request: (n: number) => Buffer;
  stop(): Promise<void>;
}

async function start(
  name: string,
  worker: WorkerOptions,
  request: Subject['request'],
  prepare?: (on: Miniflare) => Promise<void>,
) {
  const before = new Set(childrenOf(process.pid));
  const miniflare = new Miniflare({ ...PLATFORM, ...worker });
  const base = String(await miniflare.ready);
  const pid = childrenOf(process.pid).find((child) => !before.has(child));
  await prepare?.(miniflare);
  return { name, base, pid, request, stop: () => miniflare.dispose() } satisfies Subject;
}

/** A Worker that does nothing: what the platform and the generator of load cost. */
export const startEmpty = (): Promise<Subject> =>
  start(
    'empty route',
    { modules: true, script: 'export default { fetch: () => new Response("") }' },
    requests('GET', '/', [Buffer.alloc(0)]),
  );

/** The use case alone: `workerd/bare.ts`. */
export const startBare = async (model: string, pictures: readonly Buffer[]): Promise<Subject> =>
  start(
    'without middleware',
    {
      modulesRoot: '/',
      modules: await bundle(path.join(import.meta.dirname, 'workerd/bare.ts')),
      bindings: { MODEL: model },
      serviceBindings: assets(),
    },
    requests('POST', '/', pictures),
  );

/** The Worker as it is built, open to all: what `npm start` starts. */
export const startOpen = (model: string, pictures: readonly Buffer[]): Promise<Subject> =>
  start(
    'access off',
    { ...builtWorker(), bindings: { ACCESS: 'off' }, serviceBindings: assets() },
    requests('POST', `/classify/${model}`, pictures, UNCACHED),
  );

/** The Worker as it is deployed: keys, limits, usage counted in D1, data points. */
export async function startProtected(
  model: string,
  pictures: readonly Buffer[],
): Promise<Subject & { readonly key: string }> {
  const { key, id, hash } = await makeKey();
  const unlimited = { limit: 1_000_000_000, period: 60 as const };
  const numbers = { requests: unlimited.limit, seconds: unlimited.period };
  const subject = await start(
    'access on',
    {
      ...builtWorker(),
      bindings: { ACCESS: 'on', RATE_LIMITS: { key: numbers, address: numbers } },
      serviceBindings: assets(),
      d1Databases: ['DB'],
      ratelimits: { KEY_LIMIT: { simple: unlimited }, ADDRESS_LIMIT: { simple: unlimited } },
      analyticsEngineDatasets: { METRICS: { dataset: 'bench' } },
    },
    requests('POST', `/classify/${model}`, pictures, [...UNCACHED, `authorization: Bearer ${key}`]),
    async (miniflare) => {
      const database = await miniflare.getD1Database('DB');
      for (const sql of migrations()) await database.prepare(sql).run();
      await database
        .prepare(
          `INSERT INTO keys (id, hash, name, routes, models, created_at) VALUES (?, ?, 'bench', '["*"]', '["*"]', 0)`,
        )
        .bind(id, hash)
        .run();
    },
  );
  return { ...subject, key };
}

/** An answer is made anew, not looked up. */
const UNCACHED = ['cache-control: no-store'];

/** Statements that make the tables. */
export function migrations(): string[] {
  const folder = path.join(root, 'functions/migrations');
  const files = readdirSync(folder).sort();
  const text = files.map((file) => readFileSync(path.join(folder, file), 'utf8').replaceAll(/^\s*--.*$/gm, ''));
  // A trigger has statements within.
  return text.flatMap((sql) => sql.match(/CREATE TRIGGER[\s\S]*?\bEND\s*;|[^;\s][^;]*;/gi) ?? []);
}

/** Whole requests, one for each body; after the last comes the first. */
function requests(method: string, address: string, bodies: readonly Buffer[], headers: readonly string[] = []) {
  const all = bodies.map((body) => {
    const length = method === 'GET' ? [] : ['content-type: image/png', `content-length: ${body.length}`];
    const head = [`${method} ${address} HTTP/1.1`, 'host: bench', ...length, ...headers, '', ''].join('\r\n');
    return Buffer.concat([Buffer.from(head), body]);
  });
  return (n: number): Buffer => all[n % all.length] as Buffer;
}

/** So many pictures, no two alike: the committed test images, with their number written into four pixels of a corner. */
export async function distinctPictures(count: number): Promise<Buffer[]> {
  const folder = path.join(root, 'test/fixtures/fashion');
  const files = readdirSync(folder).filter((file) => file.endsWith('.png'));
  const garments = await Promise.all(files.map((file) => sharp(path.join(folder, file)).greyscale().raw().toBuffer()));
  return Array.from({ length: count }, (_, n) => {
    const pixels = Uint8Array.from(garments[n % garments.length] ?? []);
    new DataView(pixels.buffer).setUint32(0, n);
    return png(28, 28, pixels);
  });
}
