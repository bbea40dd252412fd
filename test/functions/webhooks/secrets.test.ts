import { Webhook } from 'standardwebhooks';
import { beforeAll, describe, expect, it } from 'vitest';
import { placeOfSecret, placeOfSource, seal, unseal } from '../../../functions/webhooks/sealed.ts';
import { WebhookSecrets } from '../../../functions/webhooks/secrets.ts';
import { makeSigningSecret, parseSigningSecret, signedHeaders } from '../../../functions/webhooks/sign.ts';
import { emptyTables } from '../access/protected-service.ts';

const worker = makeSigningSecret('hmac');
const now = () => Math.floor(Date.now() / 1000);
let database: D1Database;
beforeAll(async () => {
  database = await emptyTables();
});

async function store(id: string, owner: string, { expiresAt = null as number | null, createdAt = now() } = {}) {
  const secret = makeSigningSecret('hmac');
  const sealed = await seal(secret, placeOfSecret(id, owner), worker);
  await database
    .prepare(
      `INSERT INTO webhook_secrets (id, owner, kind, sealed, created_at, expires_at) VALUES (?, ?, 'hmac', ?, ?, ?)`,
    )
    .bind(id, owner, sealed, createdAt, expiresAt)
    .run();
  return { secret, sealed };
}

describe('secrets of owners', () => {
  const secrets = () => new WebhookSecrets({ database, worker, open: false });

  it('are those that are active, newest first, of the owner only', async () => {
    const older = await store('s1', 'key:a', { createdAt: now() - 100 });
    const newer = await store('s2', 'key:a');
    const ending = await store('s3', 'key:a', { createdAt: now() - 200, expiresAt: now() + 60 });
    await store('s4', 'key:a', { expiresAt: now() });
    await store('s5', 'key:b');
    const active = await secrets().signingSecretsOf('key:a');
    expect(active).toEqual([newer, older, ending].map(({ secret }) => parseSigningSecret(secret)));
    const headers = Object.fromEntries(await signedHeaders(active, 'evt_1', now(), '{}'));
    for (const { secret } of [older, newer, ending]) expect(new Webhook(secret).verify('{}', headers)).toEqual({});
    expect(await secrets().signingSecretsOf('key:nobody')).toEqual([]);
  });

  it('lie in the database without a byte of themselves', async () => {
    const { secret, sealed } = await store('s6', 'key:c');
    const dump = JSON.stringify((await database.prepare('SELECT * FROM webhook_secrets').all()).results);
    const raw = atob(secret.slice(6));
    expect(dump).toContain(sealed);
    for (const text of [secret, secret.slice(6), worker.slice(6)]) expect(dump).not.toContain(text);
    for (let i = 0; i + 6 <= raw.length; i++) expect(atob(sealed)).not.toContain(raw.slice(i, i + 6));
    expect(await seal(secret, placeOfSecret('s6', 'key:c'), worker)).not.toBe(sealed);
  });

  it('open for nobody else, nowhere else, and not when a bit is changed', async () => {
    const { secret, sealed } = await store('s7', 'key:d');
    const place = placeOfSecret('s7', 'key:d');
    expect(await unseal(sealed, place, worker)).toBe(secret);
    const another = /another WEBHOOK_SECRET/;
    await expect(unseal(sealed, place, makeSigningSecret('hmac'))).rejects.toThrow(another);
    await expect(unseal(sealed, placeOfSecret('s7', 'key:e'), worker)).rejects.toThrow(another);
    await expect(unseal(sealed, placeOfSecret('s8', 'key:d'), worker)).rejects.toThrow(another);
    await expect(unseal(sealed, placeOfSource('s7', 'key:d'), worker)).rejects.toThrow(another);
    const bytes = Uint8Array.from(atob(sealed), (c) => c.charCodeAt(0));
    for (const at of [0, 12, bytes.length - 1]) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      await expect(unseal(btoa(String.fromCharCode(...changed)), place, worker)).rejects.toThrow(another);
    }
    await expect(unseal(sealed, place, makeSigningSecret('ed25519'))).rejects.toThrow(/whsec_/);
    await database.prepare("UPDATE webhook_secrets SET owner = 'key:thief' WHERE id = 's7'").run();
    await expect(secrets().signingSecretsOf('key:thief')).rejects.toThrow(another);
  });

  it('are that of the Worker where access is off, and none where it has none', async () => {
    expect(await new WebhookSecrets({ database, worker, open: true }).signingSecretsOf('anybody')).toEqual([
      parseSigningSecret(worker),
    ]);
    for (const open of [true, false]) {
      const none = new WebhookSecrets({ database, worker: undefined, open });
      expect(await none.signingSecretsOf('key:a')).toEqual([]);
    }
  });
});
