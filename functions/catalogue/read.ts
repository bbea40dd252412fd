import { joined, sha256Hex } from '../bytes.ts';
import type { AssetSource } from './assets.ts';
import { brokenModel } from './errors.ts';
import type { Manifest, ModelFile } from './manifest.ts';

/** A whole small file. @throws Error where it is missing or longer than `maxBytes`. */
export async function readFile(assets: AssetSource, path: string, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const stream = await assets.open(path);
  if (!stream) throw new Error(`${path} is missing`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(stream)) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`${path} is longer than ${maxBytes} bytes`);
    chunks.push(chunk.slice());
  }
  return joined(chunks);
}

/** A file of the model folder, as long as its manifest says and with that hash. @throws ServiceError `model-broken` */
export async function readVerified(
  assets: AssetSource,
  manifest: Manifest,
  file: ModelFile,
): Promise<Uint8Array<ArrayBuffer>> {
  const target = new Uint8Array(file.bytes);
  await streamVerified(assets, manifest, file, () => target);
  return target;
}

/**
 * Streams a file straight to where it will stay and hashes it there: there is never a second copy.
 * @param target gives exactly `file.bytes`, in WebAssembly memory for weights, whose buffer may be another after a wait.
 */
export async function streamVerified(
  assets: AssetSource,
  manifest: Manifest,
  file: ModelFile,
  target: () => Uint8Array<ArrayBuffer>,
): Promise<void> {
  const stream = await assets.open(`${manifest.folder ?? manifest.id}/${file.path}`);
  if (!stream) throw brokenModel(manifest.id, file.path, 'is missing');
  let at = 0;
  for await (const chunk of chunksOf(stream)) {
    if (at + chunk.length > file.bytes) throw brokenModel(manifest.id, file.path, `is longer than ${file.bytes} bytes`);
    target().set(chunk, at);
    at += chunk.length;
  }
  if (at < file.bytes) throw brokenModel(manifest.id, file.path, `ends after ${at} of ${file.bytes} bytes`);
  if ((await sha256Hex(target())) !== file.sha256) {
    throw brokenModel(manifest.id, file.path, 'is not the file that its manifest names (another sha256)');
  }
}

/** Larger pieces take fewer turns: workerd gives 4 KiB to who brings no buffer, 6,400 of them for ResNet-50. */
const PIECE_BYTES = 256 * 1024;

/** Each piece is gone when the next one is asked for. Leaving the loop early cancels the stream. */
async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { read, cancel } = readerOf(stream);
  let whole = false;
  try {
    for (;;) {
      const { done, value } = await read();
      whole = done;
      if (done) return;
      if (value) yield value;
    }
  } finally {
    if (!whole) await cancel().catch(() => {});
  }
}

interface Pieces {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

/** With one buffer that goes to and fro, where the stream is one of bytes; otherwise in pieces as they come. */
function readerOf(stream: ReadableStream<Uint8Array>): Pieces {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = stream.getReader({ mode: 'byob' });
  } catch {
    const plain = stream.getReader();
    return { read: () => plain.read(), cancel: () => plain.cancel() };
  }
  let buffer = new ArrayBuffer(PIECE_BYTES);
  return {
    async read() {
      const piece = await reader.read(new Uint8Array(buffer));
      if (piece.value) buffer = piece.value.buffer;
      return piece;
    },
    cancel: () => reader.cancel(),
  };
}
