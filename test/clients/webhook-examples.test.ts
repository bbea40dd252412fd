import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { afterEach, expect, it } from 'vitest';
// @ts-expect-error an example in JavaScript
import { forward } from '../../functions/webhooks/examples/chat-bot/forward.mjs';
import { makeSigningSecret, parseSigningSecret, signedHeaders } from '../../functions/webhooks/sign.ts';
import { verifiedId } from '../../functions/webhooks/verify.ts';

const examples = path.join(import.meta.dirname, '../../functions/webhooks/examples');
const now = () => Math.floor(Date.now() / 1000);
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** Runs an example as its first line says, and gives the lines that it prints. */
function run(file: string, env: Record<string, string>) {
  const child = spawn(process.execPath, [path.join(examples, file)], { env: { ...process.env, ...env } });
  stops.push(() => child.kill());
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return { next: async () => String((await lines.next()).value), ended: once(child, 'exit') };
}

it('the receiver has 20 lines, believes what is signed, tells of it once, and refuses all else', async () => {
  const lines = readFileSync(path.join(examples, 'receiver.mjs'), 'utf8').trim().split('\n');
  expect(lines.length).toBeLessThanOrEqual(20);
  const secret = makeSigningSecret('hmac');
  const receiver = run('receiver.mjs', { WEBHOOK_SECRET: secret, PORT: '0' });
  const url = await receiver.next();
  const deliver = async (body: string, by = secret, id = 'evt_1', at = now(), sent = body) => {
    const headers = await signedHeaders(
      [parseSigningSecret(makeSigningSecret('hmac')), parseSigningSecret(by)],
      id,
      at,
      body,
    );
    return (await fetch(url, { method: 'POST', body: sent, headers })).status;
  };
  const body = JSON.stringify({ type: 'job.completed', timestamp: '', data: { id: 'job-ü', status: 'succeeded' } });
  expect(await deliver(body)).toBe(204);
  expect(await receiver.next()).toBe('job.completed job-ü succeeded');
  expect(await deliver(body)).toBe(204);
  expect(await deliver(body, makeSigningSecret('hmac'), 'evt_2')).toBe(400);
  expect(await deliver(body, secret, 'evt_3', now() - 400)).toBe(400);
  expect(await deliver(body, secret, 'evt_4', now(), `${body} `)).toBe(400);
  expect((await fetch(url, { method: 'POST', body })).status).toBe(400);
  // What was refused or came twice left no line.
  expect(await deliver(body.replace('job-ü', 'job-2'), secret, 'evt_5')).toBe(204);
  expect(await receiver.next()).toBe('job.completed job-2 succeeded');
});

/** Takes one request, and answers it as a hook does. */
async function hook() {
  const server = createServer();
  const taken = once(server, 'request').then(async (emitted) => {
    const [request, response] = emitted as [IncomingMessage, ServerResponse];
    const body = new Uint8Array(await buffer(request));
    response.writeHead(202, { 'content-type': 'application/json' }).end('{"job":"job-1","repeated":false}');
    return { headers: new Headers(request.headers as Record<string, string>), body };
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/x`, taken };
}

it('the CMS sends what is verified, whole', async () => {
  const { url, taken } = await hook();
  const secret = makeSigningSecret('hmac');
  const sender = run('cms/send.mjs', { HOOK_URL: url, HOOK_SECRET: secret });
  const { headers, body } = await taken;
  expect(await verifiedId('standard', [secret], headers, body, now())).toMatch(/^evt_[\w-]{36}$/);
  expect(Buffer.from(body).toString()).toBe(readFileSync(path.join(examples, 'cms/event.json'), 'utf8'));
  expect(await sender.next()).toBe('202 {"job":"job-1","repeated":false}');
});

it('the chat bot passes on a message with a picture, signed as GitHub signs, and none without', async () => {
  const { url, taken } = await hook();
  const secret = 'a secret that the bot and we know';
  const message = JSON.parse(readFileSync(path.join(examples, 'chat-bot/event.json'), 'utf8'));
  expect(await forward({ ...message, attachments: [] }, { url, secret })).toBeUndefined();
  expect(await forward(message, { url, secret })).toBe('job-1');
  const { headers, body } = await taken;
  expect(JSON.parse(Buffer.from(body).toString())).toEqual(message);
  expect(await verifiedId('github', [secret], headers, body, now())).toHaveLength(64);
});
