import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import asc from 'assemblyscript/asc';

/** AssemblyScript to WebAssembly: the `assembly` of each room to its `build`. Nothing is done while the sources are the same. */
interface Room {
  readonly folder: string;
  readonly options: readonly string[];
  /** Files, and the options by which they differ. */
  readonly builds: Readonly<Record<string, readonly string[]>>;
}

const functions = path.join(import.meta.dirname, '..');

/** The modules have no allocator. */
const COMMON = ['--runtime', 'stub', '--memoryBase', '0', '--use', 'abort=', '--noAssert'].concat([
  '--disableWarning',
  '112',
  '--enable',
  'simd',
]);

/** What can be in a memory that threads share; the same code, and a maximum that an import has to have. */
const SHARED = ['--enable', 'threads', '--sharedMemory', '--maximumMemory', '65536'];

/** Builds of one source, which differ in the dot product alone; each for a memory of one's own and for a shared one. */
const KERNELS = {
  baseline: ['--use', 'FUSED=0'],
  relaxed: ['--use', 'FUSED=0', '--enable', 'relaxed-simd'],
  fused: ['--use', 'FUSED=1', '--enable', 'relaxed-simd'],
};

const ROOMS: readonly Room[] = [
  {
    folder: 'runtime/int8',
    // V8 gives the better code of these where it gets the statements in the order in which they were written.
    // The memory is the engine's; the modules have no data in it.
    options: [...COMMON, '-O0', '--importMemory', '--noExportMemory'],
    builds: Object.fromEntries(
      Object.entries(KERNELS).flatMap(([name, options]) => [
        [`${name}.wasm`, options],
        [`${name}-shared.wasm`, [...options, ...SHARED]],
      ]),
    ),
  },
  { folder: 'image/jpeg', options: [...COMMON, '-O1', '--initialMemory', '2'], builds: { 'decoder.wasm': [] } },
];

/** @throws Error with the compiler's messages */
export async function compileKernels(): Promise<void> {
  for (const room of ROOMS) await compileRoom(room);
}

async function compileRoom({ folder, options, builds }: Room): Promise<void> {
  const sources = path.join(functions, folder, 'assembly');
  const built = path.join(functions, folder, 'build');
  const names = (await readdir(sources)).filter((name) => name.endsWith('.ts')).sort();
  const texts = new Map<string, string>();
  for (const name of names) texts.set(name, await readFile(path.join(sources, name), 'utf8'));
  const compiler = await readFile(import.meta.filename, 'utf8');
  const hash = createHash('sha256')
    .update(compiler)
    .update(JSON.stringify([...texts]))
    .digest('hex');
  const stamp = path.join(built, 'sources.sha256');
  const there = (await readdir(built).catch(() => [])).filter((name) => name in builds);
  const same = (await readFile(stamp, 'utf8').catch(() => '')) === hash;
  if (same && there.length === Object.keys(builds).length) return;

  await mkdir(built, { recursive: true });
  for (const [file, features] of Object.entries(builds)) {
    const wasm = await compile(texts, [...options, ...features]);
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
