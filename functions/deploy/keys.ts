import { parseArgs } from 'node:util';
import { z } from 'zod';
import { KEY_CACHE_SECONDS, makeKey } from '../access/key.ts';
import { ALL, DEFAULT_ROUTES, ROUTES } from '../access/scopes.ts';
import { modelIdSchema } from '../catalogue/manifest.ts';
import { execute, quoted, type Where } from './database.ts';

const USAGE = `npm run keys -- create --name NAME [--models a,b] [--routes ${ROUTES.join(',')}]
                        [--images-per-month N] [--expires 90d | 2027-01-31]
                        [--url-hosts cdn.example,*.shop.example]
npm run keys -- list
npm run keys -- revoke ID
Each also takes --remote: the keys of the deployment, not those of npm start.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: 'string' },
    models: { type: 'string', default: ALL },
    routes: { type: 'string', default: DEFAULT_ROUTES.join(',') },
    'images-per-month': { type: 'string' },
    expires: { type: 'string' },
    'url-hosts': { type: 'string' },
    remote: { type: 'boolean', default: false },
    'persist-to': { type: 'string' },
  },
});
const where: Where = values.remote ? { remote: true } : { remote: false, persistTo: values['persist-to'] };
/** As a URL has it: lower case, international names as xn--. */
const hostSchema = z.string().regex(/^(\*\.)?([a-z0-9-]+\.)+[a-z0-9-]+$/, 'a host, as cdn.example or *.cdn.example');
const nowSeconds = Math.floor(Date.now() / 1000);

try {
  const [command, id] = positionals;
  if (command === 'create') await create();
  else if (command === 'list') await list();
  else if (command === 'revoke' && id) await revoke(id);
  else throw new Error(USAGE);
} catch (error) {
  console.error(error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function create(): Promise<void> {
  const name = z.string('--name says whose key it is').min(1).max(100).parse(values.name);
  const models = listOf(z.union([z.literal(ALL), modelIdSchema]), values.models);
  const routes = listOf(z.enum([ALL, ...ROUTES]), values.routes);
  const quota = z.coerce
    .number()
    .int()
    .min(0)
    .nullable()
    .parse(values['images-per-month'] ?? null);
  const hosts = values['url-hosts'] === undefined ? null : JSON.stringify(listOf(hostSchema, values['url-hosts']));
  const { key, id, hash } = await makeKey();
  const row = [id, hash, name, JSON.stringify(routes), JSON.stringify(models), quota, hosts, nowSeconds, expiry()];
  await execute(
    `INSERT INTO keys (id, hash, name, routes, models, images_per_month, url_hosts, created_at, expires_at)
     VALUES (${row.map(quoted).join(', ')})`,
    where,
  );
  console.error(`The key of ${name}, shown this once; only its SHA-256 is kept:`);
  console.log(key);
}

async function list(): Promise<void> {
  const month = new Date().toISOString().slice(0, 7);
  const rows = await execute(
    `SELECT keys.id, name, routes, models, coalesce(usage.images, 0) AS images, images_per_month AS quota, url_hosts,
            date(created_at, 'unixepoch') AS created, date(expires_at, 'unixepoch') AS expires,
            date(revoked_at, 'unixepoch') AS revoked
     FROM keys LEFT JOIN usage ON usage.key_id = keys.id AND usage.month = ${quoted(month)} ORDER BY created_at, keys.id`,
    where,
  );
  if (rows.length === 0) console.log('There are no keys yet.');
  for (const { id, name, routes, models, images, quota, url_hosts, created, expires, revoked } of rows) {
    const state = revoked ? `revoked ${revoked}` : expires ? `expires ${expires}` : 'never expires';
    console.log(
      `${id}  ${name}  ${names(routes)}  ${names(models)}  ${images}/${quota ?? '-'} images  ${created}  ${state}${url_hosts ? `  addresses at ${names(url_hosts)}` : ''}`,
    );
  }
}

async function revoke(id: string): Promise<void> {
  const rows = await execute(
    `UPDATE keys SET revoked_at = coalesce(revoked_at, ${nowSeconds}) WHERE id = ${quoted(id)} RETURNING name`,
    where,
  );
  const [row] = rows;
  if (!row) throw new Error(`There is no key with the id ${id}; npm run keys -- list shows them.`);
  console.log(`The key of ${row.name} is revoked; it and its tokens end everywhere within ${KEY_CACHE_SECONDS} s.`);
}

function listOf<T extends z.ZodType>(schema: T, text: string): z.infer<T>[] {
  return z.array(schema).min(1).parse(text.split(','));
}

/** Days from now, or a date in UTC. @returns seconds since 1970 */
function expiry(): number | null {
  if (values.expires === undefined) return null;
  const days = /^(\d{1,4})d$/.exec(values.expires)?.[1];
  if (days !== undefined) return nowSeconds + Number(days) * 86_400;
  const date = z.iso.date('--expires takes days, as 90d, or a date, as 2027-01-31').parse(values.expires);
  const seconds = Date.parse(date) / 1000;
  if (seconds <= nowSeconds) throw new Error(`--expires ${date} is over`);
  return seconds;
}

function names(json: unknown): string {
  return z
    .array(z.string())
    .parse(JSON.parse(String(json)))
    .join(',');
}
