import path from 'node:path';
import { build } from 'esbuild';

const root = path.join(import.meta.dirname, '../..');

/** `build/node-thread.mjs`: a thread of the Node server, which no loader of TypeScript has to start in. */
export async function buildThread(): Promise<void> {
  await build({
    entryPoints: [path.join(root, 'functions/node-thread.ts')],
    outdir: path.join(root, 'build'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    logLevel: 'warning',
  });
}
