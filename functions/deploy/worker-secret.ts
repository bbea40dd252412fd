import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { placeOfSecret, placeOfSource, unseal } from '../webhooks/sealed.ts';
import { execute, type Where } from './database.ts';

const root = path.join(import.meta.dirname, '../..');

/**
 * WEBHOOK_SECRET: of the environment, or of the `.dev.vars` that `npm start` makes.
 * @throws Error where there is none, or where what the database holds was stored with another
 */
export async function workerSecret(where: Where): Promise<string> {
  const secret = process.env.WEBHOOK_SECRET ?? (where.remote ? undefined : await ofDevVars());
  if (!secret) {
    throw new Error(
      where.remote
        ? 'Set WEBHOOK_SECRET to that of the deployment; for a first one: export WEBHOOK_SECRET=$(npm run -s webhooks -- generate) && printf %s "$WEBHOOK_SECRET" | npx wrangler secret put WEBHOOK_SECRET. Keep it: Cloudflare shows it to nobody.'
        : 'There is no WEBHOOK_SECRET in .dev.vars; npm start makes one.',
    );
  }
  const rows = await execute(
    `SELECT * FROM (SELECT 'secret' AS what, id AS name, owner, sealed FROM webhook_secrets LIMIT 1)
     UNION ALL SELECT * FROM (SELECT 'source', name, owner, sealed FROM hook_sources LIMIT 1)`,
    where,
  );
  const schema = z.object({ what: z.string(), name: z.string(), owner: z.string(), sealed: z.string() });
  for (const { what, name, owner, sealed } of z.array(schema).parse(rows)) {
    await unseal(sealed, what === 'secret' ? placeOfSecret(name, owner) : placeOfSource(name, owner), secret);
  }
  return secret;
}

async function ofDevVars(): Promise<string | undefined> {
  const text = await readFile(path.join(root, '.dev.vars'), 'utf8').catch(() => '');
  return /^WEBHOOK_SECRET\s*=\s*"?([^"\s]+)/m.exec(text)?.[1];
}
