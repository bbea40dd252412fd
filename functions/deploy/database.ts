import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const root = path.join(import.meta.dirname, '../..');
const BINDING = 'DB';

/** Which database: that of `npm start` (kept in `persistTo`, if not in `.wrangler/state`), or that of the deployment. */
export type Where = { readonly remote: true } | { readonly remote: false; readonly persistTo?: string | undefined };

/** Applies what is not applied yet of `functions/migrations`. */
export async function migrate(where: Where): Promise<void> {
  await wrangler(['d1', 'migrations', 'apply', BINDING, ...(await argumentsOf(where))]);
}

/** @param sql without anything that came from outside unquoted; see {@link quoted} */
export async function execute(sql: string, where: Where): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const printed = await wrangler(['d1', 'execute', BINDING, '--json', '--command', sql, ...(await argumentsOf(where))]);
  const answers = z.array(z.object({ results: z.array(z.record(z.string(), z.unknown())) }));
  return answers.parse(JSON.parse(printed)).flatMap(({ results }) => results);
}

/** A value as SQLite reads it: wrangler takes no parameters. */
export function quoted(value: string | number | null): string {
  if (typeof value !== 'string') return String(value);
  if (value.includes('\0')) throw new Error('text with a NUL character cannot be stored');
  return `'${value.replaceAll("'", "''")}'`;
}

async function argumentsOf(where: Where): Promise<string[]> {
  if (where.remote) return ['--remote', '--config', await remoteConfig()];
  return ['--local', ...(where.persistTo === undefined ? [] : ['--persist-to', where.persistTo])];
}

/**
 * `wrangler.toml` says the name of the database, not its id, so that everybody can deploy it as it is; wrangler asks for
 * the id here. Makes the database where the account has none of this name.
 */
async function remoteConfig(): Promise<string> {
  const toml = await readFile(path.join(root, 'wrangler.toml'), 'utf8');
  const name = /^database_name = "([^"]+)"$/m.exec(toml)?.[1];
  if (!name) throw new Error('wrangler.toml names no database');
  const find = async () => {
    const all = z.array(z.object({ uuid: z.string(), name: z.string() }));
    return all.parse(JSON.parse(await wrangler(['d1', 'list', '--json']))).find((database) => database.name === name);
  };
  let database = await find();
  if (!database) {
    await wrangler(['d1', 'create', name]);
    database = await find();
  }
  if (!database) throw new Error(`the database ${name} was made, but is not listed`);
  const file = path.join(root, 'build/remote-database.json');
  const migrations = path.join(root, 'functions/migrations');
  const binding = { binding: BINDING, database_name: name, database_id: database.uuid, migrations_dir: migrations };
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify({ name, compatibility_date: '2026-04-20', d1_databases: [binding] }));
  return file;
}

/** @returns what it prints. @throws Error with all that it said */
export async function wrangler(args: readonly string[]): Promise<string> {
  const file = path.join(root, 'node_modules/wrangler/bin/wrangler.js');
  // It asks for no confirmation where it runs by itself.
  const env = { ...process.env, CI: 'true', WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' };
  try {
    return (await promisify(execFile)(process.execPath, [file, ...args], { cwd: root, env })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`wrangler ${args.slice(0, 3).join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
