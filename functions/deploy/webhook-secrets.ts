import { z } from 'zod';
import { placeOfSecret, seal } from '../webhooks/sealed.ts';
import { makeSigningSecret, parseSigningSecret, verifierOf } from '../webhooks/sign.ts';
import { execute, quoted, type Where } from './database.ts';
import { ownerNamed } from './owners.ts';
import { workerSecret } from './worker-secret.ts';

const kindSchema = z.enum(['hmac', 'ed25519']);
const now = Math.floor(Date.now() / 1000);

interface Options {
  readonly owner?: string | undefined;
  readonly kind: string;
  readonly 'overlap-hours': string;
}

/** Prints what receivers verify with, once: the secret itself, or the public key of an Ed25519 one. */
export async function createSecret({ owner: named, kind: given }: Options, where: Where): Promise<void> {
  const kind = kindSchema.parse(given);
  const owner = await ownerNamed(named, where);
  const made = await makeSecret(owner, kind, await workerSecret(where));
  await execute(made.insertion, where);
  tell(owner, [made.verifier]);
}

/** A new one of each kind that the owner has; the old ones sign beside it until the overlap is over. */
export async function rotateSecrets({ owner: named, 'overlap-hours': hours }: Options, where: Where): Promise<void> {
  const overlap = z.coerce.number().int().min(0).max(8_760).parse(hours) * 3_600;
  const owner = await ownerNamed(named, where);
  const active = `owner = ${quoted(owner)} AND (expires_at IS NULL OR expires_at > ${now})`;
  const kinds = await execute(`SELECT DISTINCT kind FROM webhook_secrets WHERE ${active}`, where);
  if (kinds.length === 0)
    throw new Error(`${owner} has no active secret; npm run webhooks -- secret create makes one.`);
  const worker = await workerSecret(where);
  const made = await Promise.all(kinds.map(({ kind }) => makeSecret(owner, kindSchema.parse(kind), worker)));
  const ending = `UPDATE webhook_secrets SET expires_at = ${now + overlap} WHERE owner = ${quoted(owner)} AND expires_at IS NULL`;
  await execute([ending, ...made.map(({ insertion }) => insertion)].join('; '), where);
  tell(
    owner,
    made.map(({ verifier }) => verifier),
  );
  console.error(`The ones before sign too until ${new Date((now + overlap) * 1000).toISOString()}.`);
}

export async function listSecrets(named: string | undefined, where: Where): Promise<void> {
  const condition = named === undefined ? '' : `WHERE owner = ${quoted(await ownerNamed(named, where))}`;
  const rows = await execute(
    `SELECT id, owner, kind, date(created_at, 'unixepoch') AS created, expires_at,
            datetime(expires_at, 'unixepoch') AS ends
     FROM webhook_secrets ${condition} ORDER BY owner, created_at, id`,
    where,
  );
  if (rows.length === 0) console.log('There are no secrets yet.');
  for (const { id, owner, kind, created, expires_at, ends } of rows) {
    const state = ends === null ? 'active' : Number(expires_at) > now ? `active until ${ends}` : `ended ${ends}`;
    console.log(`${id}  ${owner}  ${kind}  ${created}  ${state}`);
  }
}

export async function revokeSecret(id: string, where: Where): Promise<void> {
  const rows = await execute(
    `UPDATE webhook_secrets SET expires_at = min(coalesce(expires_at, ${now}), ${now}) WHERE id = ${quoted(id)} RETURNING owner`,
    where,
  );
  if (!rows[0]) throw new Error(`There is no secret with the id ${id}; npm run webhooks -- secret list shows them.`);
  console.log(`The secret of ${rows[0].owner} signs nothing from now on.`);
}

async function makeSecret(owner: string, kind: z.infer<typeof kindSchema>, worker: string) {
  const id = crypto.randomUUID().slice(0, 13);
  const secret = makeSigningSecret(kind);
  const row = [id, owner, kind, await seal(secret, placeOfSecret(id, owner), worker), now];
  const columns = 'id, owner, kind, sealed, created_at';
  return {
    insertion: `INSERT INTO webhook_secrets (${columns}) VALUES (${row.map(quoted).join(', ')})`,
    verifier: await verifierOf(parseSigningSecret(secret)),
  };
}

function tell(owner: string, verifiers: readonly string[]): void {
  console.error(`Callbacks of ${owner} are verified with this, shown this once:`);
  for (const verifier of verifiers) console.log(verifier);
}
