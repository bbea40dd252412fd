import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Miniflare, Response } from 'miniflare';
import type { Service } from '../e2e/service.ts';

const root = path.join(import.meta.dirname, '../..');

/** Assets in place of, or beside, those of the build, by path. */
type More = ReadonlyMap<string, Uint8Array>;

/** The Worker as it would be deployed, on workerd itself: without the proxy and the log of `wrangler dev`. */
export async function startDirectly(more: More = new Map()): Promise<Service> {
  const miniflare = new Miniflare({
    ...builtWorker(),
    ...PLATFORM,
    bindings: { ACCESS: 'off' },
    serviceBindings: assets(more),
  });
  const base = String(await miniflare.ready).replace(/\/$/, '');
  return { base, output: () => '', stop: () => miniflare.dispose() };
}

/** As in `wrangler.toml`; what is logged goes nowhere. */
export const PLATFORM = {
  compatibilityDate: '2026-04-20',
  compatibilityFlags: ['nodejs_als', 'enhanced_error_serialization'],
  handleRuntimeStdio: (output: { resume(): void }) => output.resume(),
};

/** What `wrangler deploy` would upload, as Miniflare takes it. */
export function builtWorker() {
  const out = mkdtempSync(path.join(tmpdir(), 'worker-'));
  try {
    const wrangler = path.join(root, 'node_modules/wrangler/bin/wrangler.js');
    execFileSync(process.execPath, [wrangler, 'deploy', '--dry-run', '--outdir', out], { cwd: root, stdio: 'ignore' });
    const read = (file: string) => ({ path: `/${file}`, contents: readFileSync(path.join(out, file)) });
    const wasm = readdirSync(out).filter((file) => file.endsWith('.wasm'));
    const modules = [
      { type: 'ESModule' as const, ...read('index.js') },
      ...wasm.map((file) => ({ type: 'CompiledWasm' as const, ...read(file) })),
    ];
    return { modulesRoot: '/', modules };
  } finally {
    rmSync(out, { recursive: true });
  }
}

/** A folder of assets as `wrangler deploy` uploads it, behind the platform's own service of assets, which streams from disk. */
export const assetsIn = (directory: string) => ({
  directory,
  binding: 'ASSETS',
  routerConfig: { invoke_user_worker_ahead_of_assets: true, has_user_worker: true },
});

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

/** The binding `ASSETS` over the files of the build, and `/docs` for `docs.html`, as the platform has it. */
export function assets(more: More = new Map()) {
  return {
    ASSETS: (request: { url: string }) => {
      const pathname = decodeURIComponent(new URL(request.url).pathname);
      const other = more.get(pathname);
      if (other) return new Response(other);
      const names = pathname.endsWith('/') ? [`${pathname}index.html`] : [pathname, `${pathname}.html`];
      const file = names.map((name) => path.join(root, 'build/assets', name)).find(isFile);
      if (!file) return new Response('', { status: 404 });
      const type = CONTENT_TYPES[path.extname(file)] ?? 'application/octet-stream';
      return new Response(readFileSync(file), { headers: { 'content-type': type } });
    },
  };
}

const isFile = (file: string): boolean => existsSync(file) && statSync(file).isFile();
