import type { AssetSource } from '../../catalogue/assets.ts';
import { type Manifest, manifestSchema } from '../../catalogue/manifest.ts';

/** Names the cache: another form of what is kept there takes another name. */
const CACHE = 'models-1';
const MANIFEST = 'manifest.json';

/** Bytes of the files that have come, and of all that were asked for. */
type OnProgress = (loadedBytes: number, totalBytes: number) => void;

/**
 * Model folders as the service hands them out. Each file is fetched once and kept by its SHA-256; the list of models and
 * the manifests are asked for each time, and taken as they last were where nobody answers.
 */
export class ServedFiles implements AssetSource {
  /** Sent with each request. */
  key = '';
  readonly #onProgress: OnProgress;
  readonly #manifests = new Map<string, Manifest>();
  #loadedBytes = 0;
  #totalBytes = 0;

  constructor(onProgress: OnProgress) {
    this.#onProgress = onProgress;
  }

  async open(path: string): Promise<ReadableStream<Uint8Array> | null> {
    const [id = '', name] = path.split('/');
    if (name === undefined) return this.#index();
    const address = addressOf(id, name);
    if (name === MANIFEST) return this.#manifest(id, address);
    return this.#file(id, name, address);
  }

  /** In the form that the build gives it (`catalogue/versions.ts`). */
  async #index(): Promise<ReadableStream<Uint8Array> | null> {
    const response = await this.#latest('/models');
    if (!response) return null;
    const { models, cascades } = (await response.json()) as { models: { id: string }[]; cascades?: unknown };
    return new Response(JSON.stringify({ models: models.map(({ id }) => id), cascades })).body;
  }

  async #manifest(id: string, address: string): Promise<ReadableStream<Uint8Array> | null> {
    const response = await this.#latest(address);
    if (!response) return null;
    const text = await response.text();
    const manifest = manifestSchema.safeParse(JSON.parse(text));
    if (manifest.success) this.#expect(id, manifest.data);
    return new Response(text).body;
  }

  #expect(id: string, manifest: Manifest): void {
    this.#manifests.set(id, manifest);
    for (const { role, bytes } of manifest.files) if (role !== 'card') this.#totalBytes += bytes;
    this.#onProgress(this.#loadedBytes, this.#totalBytes);
  }

  async #file(id: string, name: string, address: string): Promise<ReadableStream<Uint8Array> | null> {
    const file = this.#manifests.get(id)?.files.find(({ path }) => path === name);
    const kept = `${address}?sha256=${file?.sha256}`;
    const cache = await caches.open(CACHE);
    let response = await cache.match(kept);
    if (!response) {
      const fetched = await this.#fetch(address);
      if (!fetched?.ok) return null;
      await forget(cache, address);
      // Kept first and read from there, it is never in memory as a whole. A full disk only means to fetch it again.
      const stored = await cache.put(kept, fetched).then(
        () => cache.match(kept),
        () => undefined,
      );
      response = stored ?? (await this.#fetch(address)) ?? undefined;
    }
    return response?.body?.pipeThrough(this.#counted()) ?? null;
  }

  #counted(): TransformStream<Uint8Array, Uint8Array> {
    return new TransformStream({
      transform: (chunk, controller) => {
        this.#loadedBytes += chunk.length;
        this.#onProgress(this.#loadedBytes, this.#totalBytes);
        controller.enqueue(chunk);
      },
    });
  }

  /** What the service says now, or what it said last. */
  async #latest(address: string): Promise<Response | undefined> {
    const cache = await caches.open(CACHE);
    const response = await this.#fetch(address);
    if (!response) return cache.match(address);
    if (!response.ok) return undefined;
    await cache.put(address, response.clone()).catch(() => {});
    return response;
  }

  /** @returns null where nobody answers */
  #fetch(address: string): Promise<Response | null> {
    return fetch(address, this.key === '' ? {} : { headers: { 'x-api-key': this.key } }).catch(() => null);
  }
}

const addressOf = (id: string, name: string): string =>
  `/models/${encodeURIComponent(id)}/files/${encodeURIComponent(name)}`;

/** Lets earlier versions of a file go. */
async function forget(cache: Cache, address: string): Promise<void> {
  for (const request of await cache.keys(address, { ignoreSearch: true })) await cache.delete(request);
}
