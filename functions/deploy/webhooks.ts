import { parseArgs } from 'node:util';
import { z } from 'zod';
import { makeSigningSecret } from '../webhooks/sign.ts';
import type { Where } from './database.ts';
import { addSource, listSources, removeSource, rotateSource } from './hook-sources.ts';
import { createSecret, listSecrets, revokeSecret, rotateSecrets } from './webhook-secrets.ts';

const USAGE = `What callbacks are signed with:
npm run webhooks -- secret create --owner KEY [--kind hmac | ed25519]
npm run webhooks -- secret list [--owner KEY]
npm run webhooks -- secret rotate --owner KEY [--overlap-hours 24]
npm run webhooks -- secret revoke ID
Who may post to /hooks/NAME, and what is made of it:
npm run webhooks -- source add NAME --model MODEL --mapping FILE.json [--scheme standard | github | stripe]
                    [--owner KEY] [--secret -] [--callback-url URL] [--top-k N]
npm run webhooks -- source list
npm run webhooks -- source rotate NAME [--secret -]
npm run webhooks -- source remove NAME
The secret of a deployment, which encrypts all of these:
npm run -s webhooks -- generate
KEY is the id of a key (npm run keys -- list), or jwt:SUBJECT. A secret is read from standard input for "-", and made
where none is given. Each takes --remote too: those of the deployment, with its WEBHOOK_SECRET in the environment.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    owner: { type: 'string' },
    kind: { type: 'string', default: 'hmac' },
    'overlap-hours': { type: 'string', default: '24' },
    scheme: { type: 'string', default: 'standard' },
    model: { type: 'string' },
    mapping: { type: 'string' },
    secret: { type: 'string' },
    'callback-url': { type: 'string' },
    'top-k': { type: 'string' },
    remote: { type: 'boolean', default: false },
    'persist-to': { type: 'string' },
  },
});
const where: Where = values.remote ? { remote: true } : { remote: false, persistTo: values['persist-to'] };

try {
  await run(positionals.join(' '));
} catch (error) {
  console.error(error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function run(command: string): Promise<void> {
  const [thing, verb, name] = positionals;
  if (command === 'generate') console.log(makeSigningSecret('hmac'));
  else if (command === 'secret create') await createSecret(values, where);
  else if (command === 'secret list') await listSecrets(values.owner, where);
  else if (command === 'secret rotate') await rotateSecrets(values, where);
  else if (thing === 'secret' && verb === 'revoke' && name) await revokeSecret(name, where);
  else if (thing === 'source' && verb === 'add' && name) await addSource(name, values, where);
  else if (command === 'source list') await listSources(where);
  else if (thing === 'source' && verb === 'rotate' && name) await rotateSource(name, values.secret, where);
  else if (thing === 'source' && verb === 'remove' && name) await removeSource(name, where);
  else throw new Error(USAGE);
}
