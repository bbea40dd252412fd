import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileAssets } from './file-assets.ts';
import { fileModules } from './file-modules.ts';
import type { Host } from './host.ts';
import { pinnedFetch } from './node-fetch.ts';
import { filePage } from './node-page.ts';
import { nodeThreads } from './node-threads.ts';

const root = path.join(import.meta.dirname, '..');
const decoder = (format: string) =>
  new WebAssembly.Module(readFileSync(path.join(root, `functions/image/${format}/build/decoder.wasm`)));

export interface NodeOptions {
  /** Model folders. */
  readonly models: string;
  /** Bytes that models, decoders and bodies together may hold. */
  readonly memoryBytes: number;
  /** That run integer programs; with 1 they run in the thread that serves. */
  readonly threads: number;
  /** For development: pictures are fetched from this machine itself too. */
  readonly httpLoopback: boolean;
}

/** What the Node server gives the application: files, modules, and a `fetch` that connects only to what it has checked. */
export function nodeHost({ models, memoryBytes, threads, httpLoopback }: NodeOptions): Host {
  return {
    models: fileAssets(models),
    page: filePage(path.join(root, 'build/node-assets')),
    modules: {
      tfjs: fileModules.tfjs,
      int8: { ...fileModules.int8, threads: nodeThreads(threads, memoryBytes) },
      jpeg: decoder('jpeg'),
      webp: decoder('webp'),
      avif: decoder('avif'),
    },
    memoryBytes,
    httpLoopback,
    fetchAddress: pinnedFetch({ allowLoopback: httpLoopback }),
    withoutDatabase: 'this is the Node server, and keys, jobs and hooks need the D1, R2 and queue of a Worker.',
    log: (line) => console.log(JSON.stringify(line)),
  };
}
