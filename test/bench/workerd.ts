import { readFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { Miniflare, Response } from 'miniflare';
import { type BenchModel, filesOf } from './bench-model.ts';
import type { Started } from './process.ts';

const root = path.join(import.meta.dirname, '../..');

/** One runner inside workerd; times are a client's, over several runs a request, so that the request itself hardly counts. */
export async function startInWorkerd(runner: string, model: BenchModel): Promise<Started> {
  const wasm = new Map<string, string>();
  const { outputFiles } = await build({
    entryPoints: [path.join(root, 'test/bench/workerd-entry.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'esnext',
    conditions: ['workerd', 'browser'],
    define: { __dirname: '""' },
    plugins: [
      {
        name: 'wasm',
        setup(plugin) {
          plugin.onResolve({ filter: /\.wasm$/ }, ({ path: name, resolveDir }) => {
            const file = name.startsWith('.') ? path.join(resolveDir, name) : path.join(root, 'node_modules', name);
            wasm.set(path.basename(file), file);
            return { path: `./${path.basename(file)}`, external: true };
          });
        },
      },
    ],
  });
  const files = await filesOf(runner, model);
  const miniflare = new Miniflare({
    compatibilityDate: '2026-04-20',
    modulesRoot: '/',
    modules: [
      { type: 'ESModule', path: '/worker.js', contents: outputFiles[0]?.text ?? '' },
      ...Array.from(wasm, ([name, file]) => ({
        type: 'CompiledWasm' as const,
        path: `/${name}`,
        contents: readFileSync(file),
      })),
    ],
    bindings: { RUNNER: runner },
    serviceBindings: {
      FILES: (request: { url: string }) => new Response(files[new URL(request.url).pathname.slice(1)] ?? ''),
    },
  });
  const start = performance.now();
  const loaded = await miniflare.dispatchFetch('http://bench/load');
  if (!loaded.ok) throw new Error(`${runner} in workerd: ${await loaded.text()}`);
  const { memoryBytes } = (await loaded.json()) as { memoryBytes: number };
  return {
    coldMs: performance.now() - start,
    memoryBytes,
    v8: 'workerd',
    async run(runs) {
      const begin = performance.now();
      const response = await miniflare.dispatchFetch(`http://bench/run?n=${runs}`);
      if (!response.ok) throw new Error(await response.text());
      return [(performance.now() - begin) / runs];
    },
    stop: () => miniflare.dispose(),
  };
}
