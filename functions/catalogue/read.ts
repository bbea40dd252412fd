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
    chunks.push(chunk);
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

/** Not every browser iterates streams; leaving the loop early cancels the stream. */
async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  let whole = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      whole = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!whole) await reader.cancel().catch(() => {});
  }
}
