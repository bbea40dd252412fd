import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService, webhookSecret } from './service.ts';

const root = path.join(import.meta.dirname, '../..');
const examples = path.join(root, 'functions/webhooks/examples');
const run = promisify(execFile);
const node = (...args: string[]) => run(process.execPath, args, { cwd: root });
const tsx = path.join(root, 'node_modules/tsx/dist/cli.mjs');

/** What a shop has: pictures that it hosts, and something that takes callbacks. */
let folder: string;
let service: Service;
let shop: Server;
let photos: string;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let hookSecret: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'jobs-'));
  const boot = await readFile(path.join(root, 'test/fixtures/fashion/9-0000.png'));
  shop = createServer((request, response) => {
    if (request.url === '/boot.png') response.writeHead(200, { 'content-type': 'image/png' }).end(boot);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve));
  photos = `http://127.0.0.1:${(shop.address() as AddressInfo).port}`;
  const state = path.join(folder, 'state');
  await node(tsx, 'functions/deploy/migrate.ts', '--persist-to', state);
  service = await startService(['--persist-to', state]);
  receiver = await startReceiver();
  hookSecret = await addSource(state);
});
afterAll(async () => {
  receiver?.stop();
  shop?.close();
  await service?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** `npm run webhooks -- source add cms …`, while the service runs. @returns the secret that it prints */
async function addSource(state: string): Promise<string> {
  const mapping = path.join(examples, 'cms/mapping.json');
  const words = ['--model', 'fashion-mlp', '--mapping', mapping, '--callback-url', receiver.url, '--persist-to', state];
  const { stdout } = await run(
    process.execPath,
    [tsx, 'functions/deploy/webhooks.ts', 'source', 'add', 'cms', ...words],
    {
      cwd: root,
      env: { ...process.env, WEBHOOK_SECRET: webhookSecret() },
    },
  );
  return /whsec_\S+/.exec(stdout)?.[0] ?? '';
}

/** The example of the documentation, with the secret that `npm start` made. */
async function startReceiver() {
  const child = spawn(process.execPath, ['--env-file=.dev.vars', path.join(examples, 'receiver.mjs')], {
    cwd: root,
    env: { ...process.env, PORT: '0' },
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk));
  const line = async (pattern: RegExp) => {
    for (const end = Date.now() + 60_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
      const found = pattern.exec(printed);
      if (found) return found[0];
    }
    throw new Error(`${pattern} was not printed:\n${printed}`);
  };
  return { url: await line(/http:\S+/), line, stop: () => child.kill() };
}

interface Job {
  readonly status: string;
  readonly metadata?: unknown;
  readonly results: { id: string; status: string; predictions?: { label: string }[]; error?: { type: string } }[];
  readonly deliveries: { status: string }[];
}

const jobOf = async (id: string) => (await (await fetch(`${service.base}/jobs/${id}`)).json()) as Job;

describe('from zero to a verified callback', () => {
  it('the commands of the documentation do what it says', async () => {
    const readme = await readFile(path.join(root, 'functions/webhooks/README.md'), 'utf8');
    const [, command = ''] = /```bash\n(curl -s http:\/\/localhost:8787\/jobs[\s\S]*?)```/.exec(readme) ?? [];
    expect(command).toContain('callback_url');
    const here = command.replace('http://localhost:8787', service.base).replace('http://127.0.0.1:9000/', receiver.url);
    const { stdout } = await run('bash', ['-c', here], { cwd: root });
    const { id } = JSON.parse(stdout) as { id: string };
    await receiver.line(new RegExp(`^job\\.completed ${id} succeeded$`, 'm'));
    const job = await jobOf(id);
    expect(job.results[0]).toMatchObject({ id: 'boot', predictions: [{ label: 'Ankle boot' }, {}, {}, {}, {}] });
  });

  it('an event of a CMS becomes a job whose callback verifies; the same event is not done again', async () => {
    const event = path.join(folder, 'event.json');
    const entry = {
      id: 7,
      title: 'Boots',
      photos: [
        { name: 'front', url: `${photos}/boot.png` },
        { name: 'gone', url: `${photos}/gone.png` },
      ],
    };
    await writeFile(event, JSON.stringify({ event: 'entry.create', entry }));
    const { stdout } = await run(process.execPath, [path.join(examples, 'cms/send.mjs'), event], {
      cwd: root,
      env: { ...process.env, HOOK_URL: `${service.base}/hooks/cms`, HOOK_SECRET: hookSecret },
    });
    expect(stdout).toMatch(/^202 /);
    const { job: id } = JSON.parse(stdout.slice(4)) as { job: string };
    await receiver.line(new RegExp(`^job\\.completed ${id} partial$`, 'm'));
    const job = await jobOf(id);
    expect(job.metadata).toEqual({ entry: 7, title: 'Boots' });
    expect(job.results.map((result) => [result.id, result.status])).toEqual([
      ['front', 'succeeded'],
      ['gone', 'failed'],
    ]);
    expect(job.results[0]?.predictions?.[0]?.label).toBe('Ankle boot');
    expect(job.results[1]?.error?.type).toBe('/problems#fetch-failed');
  });
});

it('a short run of the fault suite: no job and no callback is lost when the process is killed', async () => {
  const { stdout } = await node(tsx, 'test/faults/jobs.ts', '12');
  console.log(stdout);
  expect(stdout).toContain('nothing lost');
}, 240_000);
