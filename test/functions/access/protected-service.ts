import { env } from 'cloudflare:workers';
import tfjs from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
import { createApp } from '../../../functions/app.ts';
import type { Access, Host } from '../../../functions/host.ts';
import jpeg from '../../../functions/image/jpeg/build/decoder.wasm';
import baseline from '../../../functions/runtime/int8/build/baseline.wasm';
import relaxed from '../../../functions/runtime/int8/build/relaxed.wasm';
import { memoryAssets, memoryModel } from '../catalogue/model-folder.ts';

const { DB } = env as unknown as { DB: D1Database };
export const SECRET = 'a secret of more than thirty-two characters';

/** A 2x1 grey PNG, left 10, right 200; made with zlib by hand. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAAAAADRSSBWAAAAC0lEQVR4nGPgOgEAAN8A00shpUkAAAAASUVORK5CYII=';
export const picture = Uint8Array.from(atob(PNG), (c) => c.charCodeAt(0));

const migrations = import.meta.glob<string>('../../../functions/migrations/*.sql', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** The tables, empty, as the migrations make them. */
export async function emptyTables(): Promise<D1Database> {
  const { results } = await DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT GLOB '_cf*'",
  ).all<{ name: string }>();
  // Some refer to others.
  const drops = results.map(({ name }) => DB.prepare(`DROP TABLE ${name}`));
  await DB.batch([DB.prepare('PRAGMA defer_foreign_keys = on'), ...drops]);
  for (const file of Object.keys(migrations).sort()) {
    const statements = (migrations[file] ?? '').replaceAll(/^\s*--.*$/gm, '').split(';');
    for (const sql of statements.filter((statement) => statement.trim() !== '')) await DB.prepare(sql).run();
  }
  return DB;
}

interface Row {
  readonly id: string;
  readonly routes: readonly string[];
  readonly models: readonly string[];
  readonly quota: number | null;
  readonly urlHosts: readonly string[] | null;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

/** A key whose hash is made here, by another road than the code under test: hex by hand of what crypto.subtle says. */
export async function addKey(fields: Partial<Row> = {}): Promise<string> {
  const id = fields.id ?? crypto.randomUUID().replaceAll('-', '').slice(0, 12);
  const key = `ek_${id}_${'A'.repeat(42)}b`;
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key));
  const hash = [...new Uint8Array(digest)].map((byte) => (byte + 256).toString(16).slice(1)).join('');
  const { routes = ['*'], models = ['*'], quota = null, urlHosts = null, expiresAt = null, revokedAt = null } = fields;
  await DB.prepare(
    `INSERT INTO keys (id, hash, name, routes, models, images_per_month, url_hosts, created_at, expires_at, revoked_at)
     VALUES (?, ?, 'test', ?, ?, ?, ?, 0, ?, ?)`,
  )
    .bind(
      id,
      hash,
      JSON.stringify(routes),
      JSON.stringify(models),
      quota,
      urlHosts && JSON.stringify(urlHosts),
      expiresAt,
      revokedAt,
    )
    .run();
  return key;
}

/** Counts statements, so that a test sees which requests ask the database. */
export function counting(database: D1Database): { database: D1Database; asked: () => number } {
  let statements = 0;
  const counted = new Proxy(database, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (name === 'prepare') statements++;
        return value.apply(target, args);
      };
    },
  });
  return { database: counted, asked: () => statements };
}

export const unlimited = { requests: 1_000_000, seconds: 60, limit: async () => ({ success: true }) };

/** The whole application over two small models, with keys on. */
export async function protectedService(access: Partial<Access> = {}, host: Partial<Host> = {}) {
  const models = new Map(await Promise.all(['a', 'b'].map(async (id) => [id, await memoryModel(id)] as const)));
  const lines: Record<string, unknown>[] = [];
  const app = createApp({
    models: memoryAssets(models).assets,
    page: async () => new Response('page'),
    modules: { tfjs, jpeg, int8: { baseline, relaxed } },
    memoryBytes: 100_000_000,
    log: (line) => lines.push(line),
    access: { database: DB, tokenSecret: SECRET, limits: { key: unlimited, address: unlimited }, ...access },
    ...host,
  });
  const classify = (headers: Record<string, string>, id = 'a') =>
    app.request(`/classify/${id}`, { method: 'POST', body: picture, headers });
  const usage = async (key: string) =>
    (await app.request('/usage', { headers: bearer(key) })).json<{ images: { used: number; quota: number | null } }>();
  return { app, lines, classify, usage };
}

export const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
