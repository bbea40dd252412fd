import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { wrangler } from './database.ts';

/**
 * Run by `npm run deploy`: the queues of `wrangler.toml`, where the account has none of their names. `wrangler deploy`
 * makes buckets and databases that are missing, and stops where a queue is.
 */
const MISSING = /Queue "[^"]+" does not exist/;

/** Dead letters first: a consumer names them. */
export const queuesOf = (toml: string): string[] => [
  ...new Set(
    ['dead_letter_queue', 'queue'].flatMap((field) =>
      [...toml.matchAll(new RegExp(`^${field} = "([^"]+)"$`, 'gm'))].map(([, name = '']) => name),
    ),
  ),
];

/** @returns those that were made. @throws Error where wrangler cannot say, as without a login: then nothing is made */
export async function makeQueues(names: readonly string[], run: (args: readonly string[]) => Promise<string>) {
  const made: string[] = [];
  for (const name of names) {
    const missing = await run(['queues', 'info', name]).then(
      () => false,
      (error: unknown) => {
        if (error instanceof Error && MISSING.test(error.message)) return true;
        throw error;
      },
    );
    if (!missing) continue;
    await run(['queues', 'create', name]);
    made.push(name);
  }
  return made;
}

if (process.argv[1] === import.meta.filename) {
  const toml = await readFile(path.join(import.meta.dirname, '../../wrangler.toml'), 'utf8');
  for (const name of await makeQueues(queuesOf(toml), wrangler)) console.log(`made the queue ${name}`);
}
