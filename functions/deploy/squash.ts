import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** jSquash's decoders start with 16 MiB of memory each, whatever a picture needs; these with as much as they have data. */
interface Decoder {
  readonly name: 'webp' | 'avif';
  /** 64 KiB each, up to the end of the stack (the first global), behind which the heap begins, and one more. */
  readonly pages: number;
}

const DECODERS: readonly Decoder[] = [
  { name: 'webp', pages: 3 },
  { name: 'avif', pages: 91 },
];
/** A memory section (WebAssembly, 5.5.8): one memory with a maximum, of at least 256 pages, at most 32768. */
const SECTION = Uint8Array.of(5, 7, 1, 1, 0x80, 0x02, 0x80, 0x80, 0x02);

const root = path.join(import.meta.dirname, '../..');

export async function shrinkDecoders(): Promise<void> {
  for (const { name, pages } of DECODERS) {
    const source = path.join(root, `node_modules/@jsquash/${name}/codec/dec/${name}_dec.wasm`);
    const built = path.join(root, `functions/image/${name}/build`);
    const wasm = await readFile(source);
    const at = wasm.indexOf(SECTION);
    if (at < 0) throw new Error(`${source} has another memory than it had`);
    wasm[at + 4] = (pages & 127) | 128;
    wasm[at + 5] = pages >> 7;
    new WebAssembly.Module(wasm);
    await mkdir(built, { recursive: true });
    const file = path.join(built, 'decoder.wasm');
    // `wrangler dev` begins anew when a module is written.
    if (!(await readFile(file).catch(() => undefined))?.equals(wasm)) await writeFile(file, wasm);
  }
}
