import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';
import { Miniflare, Response } from 'miniflare';
import { childrenOf, cpuMilliseconds } from './cpu-time.ts';
import { batchSize, type Figures, type Started } from './process.ts';
import { NETWORK_FILES, type NetworkFile, type RunnerName } from './runner.ts';

const root = path.join(import.meta.dirname, '../..');
const { version } = createRequire(import.meta.resolve('miniflare'))('workerd/package.json') as { version: string };

/** Which Worker a runner is; native code has none. */
const WORKERS: Readonly<Partial<Record<RunnerName, string>>> = {
  int8: 'int8',
  'int8-baseline': 'int8',
  'tfjs-wasm': 'tfjs-wasm',
  'ort-web-f32': 'ort-web',
  'ort-web-int8': 'ort-web',
};
export const runsInWorkerd = (runner: RunnerName): boolean => runner in WORKERS;

/** One runner in a workerd of its own. Cold: from a started workerd to the first scores, scripts and modules included. */
export async function startInWorkerd(runner: RunnerName, folder: string): Promise<Started> {
  const modules = await bundle(path.join(root, `test/bench/workerd/${WORKERS[runner]}.ts`));
  const before = new Set(childrenOf(process.pid));
  const miniflare = new Miniflare({
    compatibilityDate: '2026-04-20',
    modulesRoot: '/',
    modules,
    bindings: { RUNNER: runner },
    serviceBindings: {
      FILES: (request: { url: string }) => {
        const name = NETWORK_FILES.find((file) => file === new URL(request.url).pathname.slice(1)) as NetworkFile;
        return new Response(readFileSync(path.join(folder, name)));
      },
    },
  });
  await miniflare.ready;
  const workerd = childrenOf(process.pid).find((child) => !before.has(child));
  const ask = async (address: string): Promise<string> => {
    const response = await miniflare.dispatchFetch(`http://bench${address}`);
    if (!response.ok) throw new Error(`${runner} in workerd: ${await response.text()}`);
    return response.text();
  };
  const measure = async (runs: number): Promise<Figures> => {
    const [cpu, clock] = [cpuMilliseconds(workerd), performance.now()];
    await ask(`/run?n=${runs}`);
    const wallMs = (performance.now() - clock) / runs;
    return { cpuMs: cpu === null ? wallMs : ((cpuMilliseconds(workerd) ?? 0) - cpu) / runs, wallMs };
  };
  const start = performance.now();
  const { memoryBytes } = JSON.parse(await ask('/load')) as { memoryBytes: number };
  const coldMs = performance.now() - start;
  // A request costs some milliseconds of its own.
  const batch = await batchSize(measure, 250);
  return {
    coldMs,
    memoryBytes,
    v8: `workerd ${version}`,
    run: () => measure(batch),
    stop: () => miniflare.dispose(),
  };
}

/** The Worker's script and the WebAssembly that it imports, as Miniflare's modules. */
export async function bundle(entry: string) {
  const wasm = new Map<string, string>();
  const { outputFiles } = await build({
    entryPoints: [entry],
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
  return [
    { type: 'ESModule' as const, path: '/worker.js', contents: outputFiles[0]?.text ?? '' },
    ...Array.from(wasm, ([name, file]) => ({
      type: 'CompiledWasm' as const,
      path: `/${name}`,
      contents: readFileSync(file),
    })),
  ];
}
