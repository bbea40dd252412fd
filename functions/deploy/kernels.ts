import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import asc from 'assemblyscript/asc';

/**
 * The integer kernels, from AssemblyScript to `functions/runtime/int8/build/{baseline,relaxed,fused}.wasm`: builds of one
 * source, which differ in the dot product alone. Nothing is done while the sources are the same.
 */

const room = path.join(import.meta.dirname, '../runtime/int8');
const sources = path.join(room, 'assembly');
const built = path.join(room, 'build');

/**
 * The memory is the engine's; the modules have no data and no allocator in it. V8 gives the better code where it gets
 * the statements in the order in which they were written, so Binaryen does not optimize.
 */
const OPTIONS = ['-O0', '--runtime', 'stub', '--importMemory', '--noExportMemory', '--memoryBase', '0'].concat([
  '--use',
  'abort=',
  '--noAssert',
  '--disableWarning',
  '112',
  '--enable',
  'simd',
]);
const BUILDS: Readonly<Record<string, readonly string[]>> = {
  'baseline.wasm': ['--use', 'FUSED=0'],
  'relaxed.wasm': ['--use', 'FUSED=0', '--enable', 'relaxed-simd'],
  'fused.wasm': ['--use', 'FUSED=1', '--enable', 'relaxed-simd'],
};

/** @throws Error with the compiler's messages */
export async function compileKernels(): Promise<void> {
  const names = (await readdir(sources)).filter((name) => name.endsWith('.ts')).sort();
  const texts = new Map<string, string>();
  for (const name of names) texts.set(name, await readFile(path.join(sources, name), 'utf8'));
  const compiler = await readFile(import.meta.filename, 'utf8');
  const hash = createHash('sha256')
    .update(compiler)
    .update(JSON.stringify([...texts]))
    .digest('hex');
  const stamp = path.join(built, 'sources.sha256');
  const there = (await readdir(built).catch(() => [])).filter((name) => name in BUILDS);
  const same = (await readFile(stamp, 'utf8').catch(() => '')) === hash;
  if (same && there.length === Object.keys(BUILDS).length) return;

  await mkdir(built, { recursive: true });
  for (const [file, features] of Object.entries(BUILDS)) {
    const wasm = await compile(texts, [...OPTIONS, ...features]);
    await writeFile(path.join(built, file), wasm);
  }
  await writeFile(stamp, hash);
}

async function compile(texts: ReadonlyMap<string, string>, options: readonly string[]): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc.main(['index.ts', '--outFile', 'kernels.wasm', ...options], {
    readFile: (name) => texts.get(path.basename(name)) ?? null,
    writeFile: (_name, contents) => {
      if (typeof contents !== 'string') wasm = contents;
    },
    listFiles: () => [],
  });
  if (error || !wasm) throw new Error(`the kernels do not compile:\n${stderr.toString()}`, { cause: error });
  return wasm;
}
