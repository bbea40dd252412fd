import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execute } from '../../functions/deploy/database.ts';
import { placeOfSecret, placeOfSource, unseal } from '../../functions/webhooks/sealed.ts';
import { makeSigningSecret, parseSigningSecret, verifierOf } from '../../functions/webhooks/sign.ts';

const root = path.join(import.meta.dirname, '../..');
const tsx = path.join(root, 'node_modules/tsx/dist/cli.mjs');
const worker = makeSigningSecret('hmac');
const mapping = path.join(root, 'functions/webhooks/examples/cms/mapping.json');

let state: string;
let key: string;
beforeAll(async () => {
  state = await mkdtemp(path.join(tmpdir(), 'webhooks-'));
  await script('migrate.ts');
  key = (await script('keys.ts', 'create', '--name', 'shop')).slice(3, 15);
});
afterAll(() => rm(state, { recursive: true, force: true }));

interface Run {
  readonly stdin?: string;
  readonly secret?: string;
}

/** What `npm run keys`, `migrate` and `webhooks` run. @throws what it says, where it fails */
async function script(file: string, ...args: (string | Run)[]): Promise<string> {
  const { stdin = '', secret = worker } = args.find((arg) => typeof arg !== 'string') ?? {};
  const words = args.filter((arg) => typeof arg === 'string');
  const child = spawn(
    process.execPath,
    [tsx, path.join(root, 'functions/deploy', file), ...words, '--persist-to', state],
    { cwd: root, env: { ...process.env, WEBHOOK_SECRET: secret } },
  );
  child.stdin.end(stdin);
  const [out, error, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve) => child.once('exit', resolve)),
  ]);
  if (code !== 0) throw new Error(error);
  return out.trim();
}

const webhooks = (...args: (string | Run)[]) => script('webhooks.ts', ...args);

async function stored(sql: string, place: (id: string, owner: string) => readonly string[]): Promise<string[]> {
  const rows = await execute(sql, { remote: false, persistTo: state });
  return Promise.all(
    rows.map(({ id, owner, sealed }) => unseal(String(sealed), place(String(id), String(owner)), worker)),
  );
}

describe('secrets of an owner', () => {
  let first: string;
  const inStore = () =>
    stored('SELECT id, owner, sealed FROM webhook_secrets ORDER BY created_at, kind DESC', placeOfSecret);

  it('are made, and told once: an Ed25519 one by its public half', async () => {
    first = await webhooks('secret', 'create', '--owner', key);
    const publicKey = await webhooks('secret', 'create', '--owner', key, '--kind', 'ed25519');
    const [hmac = '', ed25519 = ''] = await inStore();
    expect(first).toBe(hmac);
    expect(publicKey).toBe(await verifierOf(parseSigningSecret(ed25519)));
    expect(publicKey).toMatch(/^whpk_/);
  });

  it('are listed without themselves, rotated with an overlap, and revoked', async () => {
    const fresh = (await webhooks('secret', 'rotate', '--owner', key, '--overlap-hours', '1')).split('\n');
    expect(fresh.map((line) => line.slice(0, 6))).toEqual(
      expect.arrayContaining(['whsec_', expect.stringMatching(/^whpk_/)]),
    );
    const listed = await webhooks('secret', 'list', '--owner', key);
    expect(
      listed
        .split('\n')
        .map((line) => line.split('  ').slice(1, 3).join(' '))
        .sort(),
    ).toEqual(['ed25519', 'ed25519', 'hmac', 'hmac'].map((kind) => `key:${key} ${kind}`));
    expect(listed.match(/active until/g)).toHaveLength(2);
    for (const secret of [first, ...(await inStore())]) expect(listed).not.toContain(secret.slice(6));
    const id = listed.slice(0, 13);
    expect(await webhooks('secret', 'revoke', id)).toContain('signs nothing');
    expect(await webhooks('secret', 'list')).toMatch(new RegExp(`${id}.*ended`));
  });

  it('are not mixed with those of another WEBHOOK_SECRET', async () => {
    const other = { secret: makeSigningSecret('hmac') };
    await expect(webhooks('secret', 'create', '--owner', key, other)).rejects.toThrow(/another WEBHOOK_SECRET/);
  });
});

describe('sources', () => {
  const inStore = () => stored('SELECT name AS id, owner, sealed FROM hook_sources', placeOfSource);

  it('are added with the secret of their sender from standard input, listed, rotated and removed', async () => {
    const add = ['source', 'add', 'shop', '--scheme', 'stripe', '--model', 'fashion-mlp', '--mapping', mapping];
    const stdin = 'whsec_of_the_sender\n';
    expect(await webhooks(...add, '--owner', key, '--secret', '-', { stdin })).toBe('');
    expect(await inStore()).toEqual(['whsec_of_the_sender']);
    await expect(webhooks(...add)).rejects.toThrow(/already/);
    expect(await webhooks('source', 'list')).toMatch(new RegExp(`^/hooks/shop  key:${key}  stripe  fashion-mlp  -`));
    await webhooks('source', 'rotate', 'shop', '--secret', '-', { stdin: 'another_of_the_sender' });
    expect(await inStore()).toEqual(['another_of_the_sender whsec_of_the_sender']);
    expect(await webhooks('source', 'remove', 'shop')).toContain('nobody');
  });
});

it.each<[(string | Run)[], RegExp]>([
  [[], /secret create/],
  [['secret', 'create'], /--owner/],
  [['secret', 'create', '--owner', 'jwt:a', '--kind', 'rsa'], /hmac/],
  [['source', 'add', 'Bad Name', '--model', 'm', '--mapping', mapping], /lower-case/],
  [['source', 'add', 'x', '--model', 'm', '--mapping', mapping, '--scheme', 'md5'], /standard/],
  [['source', 'add', 'x', '--model', 'm', '--mapping', path.join(root, 'package.json')], /Unrecognized/],
  [['source', 'add', 'x', '--model', 'm', '--mapping', mapping, '--secret', 'on-the-command-line'], /standard input/],
  [['source', 'add', 'x', '--model', 'm', '--mapping', mapping, '--secret', '-', { stdin: 'plain' }], /begins with/],
])('npm run webhooks -- %s says what is wrong', async (args, says) => {
  await expect(webhooks(...args)).rejects.toThrow(says);
});
