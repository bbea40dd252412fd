// What a CMS does when an entry is saved: HOOK_URL=…/hooks/cms HOOK_SECRET=whsec_… node send.mjs
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Webhook } from 'standardwebhooks';

const body = await readFile(process.argv[2] ?? new URL('event.json', import.meta.url), 'utf8');
const [id, now] = [`evt_${randomUUID()}`, new Date()];
const answer = await fetch(process.env.HOOK_URL, {
  method: 'POST',
  body,
  headers: {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
    'webhook-signature': new Webhook(process.env.HOOK_SECRET).sign(id, now, body),
  },
});
console.log(answer.status, await answer.text());
