import { readFileSync } from 'node:fs';
import path from 'node:path';
import asc from 'assemblyscript/asc';
import { spread } from './statistics.ts';

/** GMAC/s of the dot-product loop in the first-level cache, by form. */
export interface Peak {
  readonly w: number;
  readonly w4: number;
  readonly b: number;
  readonly best: number;
}

const K = 512;
const [WEIGHTS, ROWS] = [1024, 1024 + 16 * K];
/** Rows times channels of a tile are 32 in every form. */
const MACS_PER_PASS = 32 * K;
const PASSES = 4000;

/** Compiles `assembly/peak.ts` with the engine's own dot product, as the kernels are compiled, and measures it. */
export async function measurePeak(): Promise<Peak> {
  const memory = new WebAssembly.Memory({ initial: 1 });
  new Uint8Array(memory.buffer).forEach((_, at, bytes) => {
    bytes[at] = at % 32;
  });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(await compile()), { env: { memory } });
  const [w, w4, b] = ['w', 'w4', 'b'].map((form) => {
    const loop = exports[form] as (weights: number, rows: number, k: number, times: number) => void;
    const rates = Array.from({ length: 12 }, () => {
      const start = performance.now();
      loop(WEIGHTS, ROWS, K, PASSES);
      return (MACS_PER_PASS * PASSES) / (performance.now() - start) / 1e6;
    });
    // The best: what else the machine does, and the first run's unoptimized code, can only take away.
    return spread(rates).max;
  });
  const peak = { w: w ?? 0, w4: w4 ?? 0, b: b ?? 0 };
  return { ...peak, best: Math.max(...Object.values(peak)) };
}

async function compile(): Promise<Uint8Array<ArrayBuffer>> {
  const here = import.meta.dirname;
  const files: Readonly<Record<string, string>> = {
    'peak.ts': path.join(here, 'assembly/peak.ts'),
    'dot.ts': path.join(here, '../../functions/runtime/int8/assembly/dot.ts'),
  };
  let wasm: Uint8Array | undefined;
  const options = ['-O0', '--runtime', 'stub', '--importMemory', '--use', 'abort=', '--noAssert'].concat([
    ...['--use', 'FUSED=0'],
    ...['--disableWarning', '112'],
    ...['--enable', 'simd', '--enable', 'relaxed-simd'],
  ]);
  const { error, stderr } = await asc.main(['peak.ts', '--outFile', 'peak.wasm', ...options], {
    readFile: (name) => {
      const file = files[path.basename(name)];
      return file === undefined ? null : readFileSync(file, 'utf8');
    },
    writeFile: (_name, contents) => {
      if (typeof contents !== 'string') wasm = contents;
    },
    listFiles: () => [],
  });
  if (error || !wasm) throw new Error(`the loop does not compile:\n${stderr.toString()}`, { cause: error });
  return new Uint8Array(wasm);
}
