import { spawn } from 'node:child_process';
import { appendFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { makeSigningSecret } from '../webhooks/sign.ts';
import { migrate } from './database.ts';

/** `npm start [-- arguments of wrangler dev]`: secrets, tables, both Workers, and the schedule, which nothing else drives here. */
const root = path.join(import.meta.dirname, '../..');
const SCHEDULE_MS = 60_000;
const LOOK_MS = 500;

const given = process.argv.slice(2);
const argumentOf = (name: string): string | undefined => {
  const at = given.lastIndexOf(name);
  return at < 0 ? undefined : given[at + 1];
};
const port = argumentOf('--port') ?? '8787';
await makeDevVars();
await migrate({ remote: false, persistTo: argumentOf('--persist-to') });

const child = spawn(
  process.execPath,
  [
    path.join(root, 'node_modules/wrangler/bin/wrangler.js'),
    ...['dev', '-c', 'wrangler.toml', '-c', 'functions/isolated.wrangler.toml', '--test-scheduled'],
    ...(given.some((argument) => argument.startsWith('ACCESS:')) ? [] : ['--var', 'ACCESS:off']),
    ...(given.includes('--port') ? [] : ['--port', port]),
    ...given,
  ],
  { cwd: root, stdio: 'inherit' },
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
child.once('exit', (code) => process.exit(code ?? 1));

/** Once as soon as it answers, then every minute, as cron does where it is deployed. */
for (let wait = LOOK_MS; ; ) {
  await new Promise((resolve) => setTimeout(resolve, wait));
  const swept = await fetch(`http://localhost:${port}/__scheduled?cron=*+*+*+*+*`).catch(() => undefined);
  await swept?.body?.cancel();
  wait = swept?.ok ? SCHEDULE_MS : LOOK_MS;
}

/** What only this machine has: a signing secret, made once, and leave to call itself. */
async function makeDevVars(): Promise<void> {
  const file = path.join(root, '.dev.vars');
  const text = await readFile(file, 'utf8').catch(() => '');
  const lines = [
    ...(/^WEBHOOK_SECRET\s*=/m.test(text) ? [] : [`WEBHOOK_SECRET=${makeSigningSecret('hmac')}`]),
    ...(/^HTTP_LOOPBACK\s*=/m.test(text) ? [] : ['HTTP_LOOPBACK=on']),
  ];
  if (lines.length > 0)
    await appendFile(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${lines.join('\n')}\n`, { mode: 0o600 });
}
