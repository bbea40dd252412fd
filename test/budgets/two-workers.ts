import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Miniflare, type ModuleDefinition, Response } from 'miniflare';
import { SHARED_MODEL_BYTES } from '../../functions/catalogue/isolate-bytes.ts';
import { childrenOf } from '../bench/cpu-time.ts';
import { PLATFORM } from '../bench/direct-worker.ts';

const root = path.join(import.meta.dirname, '../..');

export interface TwoWorkers {
  readonly base: string;
  /** Lists both isolates. */
  readonly inspector: URL;
  /** The process of workerd; undefined where that is not told. */
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

/** What stands between an asset and who reads it: its bytes, others, or null where it is not there. */
export type Assets = (name: string, file: Buffer | null) => Buffer | null;

/**
 * Both Workers as they are deployed, with their memories watched, on workerd itself.
 * @param models folders of model folders; the first that has a file gives it
 */
export async function startTwoWorkers(
  models: readonly string[],
  asset: Assets = (_, file) => file,
): Promise<TwoWorkers> {
  const bundles = mkdtempSync(path.join(tmpdir(), 'workers-'));
  const gateway = bundle(bundles, 'gateway', 'wrangler.toml');
  const isolated = bundle(bundles, 'isolated', 'functions/isolated.wrangler.toml');
  rmSync(bundles, { recursive: true });
  const index = Buffer.from(JSON.stringify({ models: [...new Set(models.flatMap(idsIn))].sort() }));
  const ASSETS = (request: { url: string }) => {
    const name = decodeURIComponent(new URL(request.url).pathname).replace(/^\/models\//, '');
    const file = models.map((folder) => path.join(folder, name)).find(isFile);
    const content = asset(name, name === 'index.json' ? index : file ? readFileSync(file) : null);
    return content ? new Response(new Uint8Array(content)) : new Response('', { status: 404 });
  };
  const before = new Set(childrenOf(process.pid));
  const miniflare = new Miniflare({
    inspectorPort: 0,
    handleRuntimeStdio: PLATFORM.handleRuntimeStdio,
    workers: [
      {
        ...worker(gateway, 'gateway'),
        bindings: { SHARED_MODEL_BYTES, ACCESS: 'off', ANSWER_CACHE: 'off' },
        serviceBindings: { ASSETS, ISOLATED: 'isolated' },
      },
      { ...worker(isolated, 'isolated'), serviceBindings: { ASSETS } },
    ],
  });
  const base = String(await miniflare.ready).replace(/\/$/, '');
  const pid = childrenOf(process.pid).find((child) => !before.has(child));
  return { base, inspector: await miniflare.getInspectorURL(), pid, stop: () => miniflare.dispose() };
}

function worker(modules: ModuleDefinition[], name: string) {
  const { compatibilityDate, compatibilityFlags } = PLATFORM;
  return { name, modules, modulesRoot: '/', compatibilityDate, compatibilityFlags };
}

const idsIn = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).filter((name) => isFile(path.join(folder, name, 'manifest.json'))) : [];

const isFile = (file: string): boolean => existsSync(file) && statSync(file).isFile();

/** What wrangler would upload, with the test's entry in the place of the Worker's own. */
function bundle(out: string, name: string, config: string): ModuleDefinition[] {
  const dir = path.join(out, name);
  const wrangler = path.join(root, 'node_modules/wrangler/bin/wrangler.js');
  const entry = `test/budgets/workerd/${name}.ts`;
  execFileSync(process.execPath, [wrangler, 'deploy', '--dry-run', '-c', config, '--outdir', dir, entry], {
    cwd: root,
    stdio: 'ignore',
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
  });
  const wasm = readdirSync(dir).filter((file) => file.endsWith('.wasm'));
  return [
    { type: 'ESModule', path: `/${name}.js`, contents: readFileSync(path.join(dir, `${name}.js`), 'utf8') },
    ...wasm.map((file) => ({
      type: 'CompiledWasm' as const,
      path: `/${file}`,
      contents: readFileSync(path.join(dir, file)),
    })),
  ];
}
