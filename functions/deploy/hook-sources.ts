import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { NOBODY } from '../access/owner.ts';
import { type Orders, ordersSchema, sourceNameSchema } from '../webhooks/orders.ts';
import { placeOfSource, seal, unseal } from '../webhooks/sealed.ts';
import { makeSigningSecret } from '../webhooks/sign.ts';
import { checkedSecret, SCHEMES, type Scheme } from '../webhooks/verify.ts';
import { execute, quoted, type Where } from './database.ts';
import { ownerNamed } from './owners.ts';
import { workerSecret } from './worker-secret.ts';

interface Options {
  readonly owner?: string | undefined;
  readonly scheme: string;
  readonly model?: string | undefined;
  readonly mapping?: string | undefined;
  readonly secret?: string | undefined;
  readonly 'callback-url'?: string | undefined;
  readonly 'top-k'?: string | undefined;
}

export async function addSource(given: string, options: Options, where: Where): Promise<void> {
  const name = sourceNameSchema.parse(given);
  const scheme = z.enum(SCHEMES).parse(options.scheme);
  const orders = await ordersOf(options);
  // Where access is off there is nobody to name.
  const owner = options.owner === undefined ? NOBODY : await ownerNamed(options.owner, where);
  const secret = await secretOf(scheme, options.secret);
  const sealed = await seal(secret, placeOfSource(name, owner), await workerSecret(where));
  const row = [name, owner, scheme, sealed, JSON.stringify(orders), Math.floor(Date.now() / 1000)];
  const added = await execute(
    `INSERT INTO hook_sources (name, owner, scheme, sealed, orders, created_at) VALUES (${row.map(quoted).join(', ')})
     ON CONFLICT DO NOTHING RETURNING name`,
    where,
  );
  if (added.length === 0) throw new Error(`There is a source named ${name} already; remove it first.`);
  tell(name, secret, options.secret);
}

export async function listSources(where: Where): Promise<void> {
  const rows = await execute(
    `SELECT name, owner, scheme, orders, date(created_at, 'unixepoch') AS created FROM hook_sources ORDER BY name`,
    where,
  );
  if (rows.length === 0) console.log('There are no sources yet.');
  for (const { name, owner, scheme, orders, created } of rows) {
    const { model, callback_url } = ordersSchema.parse(JSON.parse(String(orders)));
    console.log(`/hooks/${name}  ${owner}  ${scheme}  ${model}  ${callback_url ?? '-'}  ${created}`);
  }
}

/** The new secret counts beside the one before, until the next rotation. */
export async function rotateSource(name: string, given: string | undefined, where: Where): Promise<void> {
  const [row] = await execute(`SELECT owner, scheme, sealed FROM hook_sources WHERE name = ${quoted(name)}`, where);
  if (!row) throw noSource(name);
  const { owner, scheme, sealed } = z
    .object({ owner: z.string(), scheme: z.enum(SCHEMES), sealed: z.string() })
    .parse(row);
  const worker = await workerSecret(where);
  const place = placeOfSource(name, owner);
  const [before = ''] = (await unseal(sealed, place, worker)).split(' ');
  const secret = await secretOf(scheme, given);
  const both = await seal(`${secret} ${before}`, place, worker);
  await execute(`UPDATE hook_sources SET sealed = ${quoted(both)} WHERE name = ${quoted(name)}`, where);
  tell(name, secret, given);
}

export async function removeSource(name: string, where: Where): Promise<void> {
  const rows = await execute(`DELETE FROM hook_sources WHERE name = ${quoted(name)} RETURNING name`, where);
  if (rows.length === 0) throw noSource(name);
  console.log(`/hooks/${name} answers nobody from now on.`);
}

async function ordersOf(options: Options): Promise<Orders> {
  if (options.mapping === undefined)
    throw new Error('--mapping names a JSON file; functions/webhooks/README.md has examples');
  return ordersSchema.parse({
    model: options.model,
    mapping: JSON.parse(await readFile(options.mapping, 'utf8')),
    top_k: options['top-k'] === undefined ? undefined : Number(options['top-k']),
    callback_url: options['callback-url'],
  });
}

/** Not as an argument, which others on the machine could read. */
async function secretOf(scheme: Scheme, given: string | undefined): Promise<string> {
  if (given === undefined) return makeSigningSecret('hmac');
  if (given !== '-') throw new Error('--secret - reads the secret from standard input');
  const secret = (await text(process.stdin)).trim();
  if (/\s/.test(secret)) throw new Error('a secret has no spaces');
  return checkedSecret(scheme, secret);
}

function tell(name: string, secret: string, given: string | undefined): void {
  console.error(
    `POST /hooks/${name} takes events${given === undefined ? ', signed with this, shown this once:' : '.'}`,
  );
  if (given === undefined) console.log(secret);
}

const noSource = (name: string): Error =>
  new Error(`There is no source named ${name}; npm run webhooks -- source list shows them.`);
