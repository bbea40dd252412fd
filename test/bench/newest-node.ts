import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { hasRelaxedSimd } from '../../functions/runtime/int8/kernels.ts';

/** Node as an npm package: figures of an old V8 say little. Not a dependency: it would become the `node` of every script. */
const NEWEST = '26.10.0';
const home = path.join(import.meta.dirname, '../../build/node');

let found: string | undefined;

/** The newest Node: this one if it is as new, else one that npm puts into `build/node` once; without that, this one. */
export function newestNode(): string {
  found ??= Number.parseInt(process.versions.node, 10) >= Number.parseInt(NEWEST, 10) ? process.execPath : fetched();
  return found;
}

function fetched(): string {
  const name = `node-${process.platform}-${process.arch}`;
  const file = path.join(home, 'node_modules', name, 'bin/node');
  if (existsSync(file)) return file;
  try {
    const args = ['install', '--prefix', home, '--no-save', '--no-audit', '--no-package-lock', `${name}@${NEWEST}`];
    execFileSync('npm', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch {
    console.error(`${name}@${NEWEST} cannot be had: the bench runs on Node ${process.versions.node}.`);
  }
  return existsSync(file) ? file : process.execPath;
}

/** Goes on with the same command on the newest Node, and ends with it; comes back where this is the newest. */
export function continueOnNewestNode(file: string): void {
  const node = newestNode();
  if (node === process.execPath) {
    // Node 20 has relaxed SIMD behind a flag, which later ones do not know.
    if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');
    return;
  }
  const { status } = spawnSync(node, ['--import', 'tsx', file, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exit(status ?? 1);
}
