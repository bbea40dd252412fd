import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Miniflare, Response } from 'miniflare';
import type { Service } from '../e2e/service.ts';

const root = path.join(import.meta.dirname, '../..');

/**
 * The Worker as it would be deployed, on workerd itself: without the proxy and the log of `wrangler dev`.
 * @param more assets in place of, or beside, those of the build, by path
 */
export async function startDirectly(more: ReadonlyMap<string, Uint8Array> = new Map()): Promise<Service> {
  const out = mkdtempSync(path.join(tmpdir(), 'worker-'));
  const wrangler = path.join(root, 'node_modules/wrangler/bin/wrangler.js');
  execFileSync(process.execPath, [wrangler, 'deploy', '--dry-run', '--outdir', out], { cwd: root, stdio: 'ignore' });
  const modules = readdirSync(out).filter((file) => file.endsWith('.wasm'));
  const miniflare = new Miniflare({
    compatibilityDate: '2026-04-20',
    compatibilityFlags: ['nodejs_als'],
    modulesRoot: out,
    modules: [
      {
        type: 'ESModule',
        path: path.join(out, 'index.js'),
        contents: readFileSync(path.join(out, 'index.js'), 'utf8'),
      },
      ...modules.map((file) => ({
        type: 'CompiledWasm' as const,
        path: path.join(out, file),
        contents: readFileSync(path.join(out, file)),
      })),
    ],
    bindings: { ACCESS: 'off' },
    serviceBindings: {
      ASSETS: (request: { url: string }) => {
        const { pathname } = new URL(request.url);
        const other = more.get(pathname);
        if (other) return new Response(other);
        const file = path.join(root, 'build/assets', pathname);
        return existsSync(file) ? new Response(readFileSync(file)) : new Response('', { status: 404 });
      },
    },
    handleRuntimeStdio: (output: { resume(): void }) => output.resume(),
  });
  const base = String(await miniflare.ready).replace(/\/$/, '');
  return { base, output: () => '', stop: () => miniflare.dispose() };
}
