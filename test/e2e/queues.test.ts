import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { makeQueues, queuesOf } from '../../functions/deploy/queues.ts';

const root = path.join(import.meta.dirname, '../..');
const NAMES = ['edge-classifier-jobs-dead', 'edge-classifier-jobs'];

/** An account as wrangler tells of it. */
function account(...queues: string[]) {
  const run = async ([, command, name = '']: readonly string[]) => {
    if (command === 'create') queues.push(name);
    else if (!queues.includes(name))
      throw new Error(`wrangler failed:\nQueue "${name}" does not exist. To create it …`);
    return '';
  };
  return { queues, run };
}

it('wrangler.toml names a queue and its dead letters', async () => {
  expect(queuesOf(await readFile(path.join(root, 'wrangler.toml'), 'utf8'))).toEqual(NAMES);
});

it.each([
  [[], NAMES],
  [['edge-classifier-jobs'], ['edge-classifier-jobs-dead']],
  [NAMES, []],
])('with %j, %j are made', async (before, made) => {
  const { queues, run } = account(...before);
  expect(await makeQueues(NAMES, run)).toEqual(made);
  expect([...queues].sort()).toEqual([...NAMES].sort());
});

it('makes nothing where nobody is logged in', async () => {
  const asked: string[] = [];
  const run = async (args: readonly string[]) => {
    asked.push(args.join(' '));
    throw new Error(
      'wrangler queues info failed:\nIn a non-interactive environment, CLOUDFLARE_API_TOKEN is necessary',
    );
  };
  await expect(makeQueues(NAMES, run)).rejects.toThrow(/CLOUDFLARE_API_TOKEN/);
  expect(asked).toEqual(['queues info edge-classifier-jobs-dead']);
});
