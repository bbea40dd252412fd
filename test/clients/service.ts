import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { startDirectly } from '../bench/direct-worker.ts';
import type { Service } from '../e2e/service.ts';

const assets = path.join(import.meta.dirname, '../../build/assets/models');
export const MODEL = 'fashion-mlp';
/** The same network, said to take its pixels as `-s NONE` and `-s INCEPTION` of Triton's client make them. */
export const SCALINGS = {
  NONE: { id: 'fashion-none', scale: [1], offset: [0] },
  INCEPTION: { id: 'fashion-inception', scale: [1 / 127.5], offset: [-1] },
} as const;

/** The built Worker over real HTTP, with the models of {@link SCALINGS} beside its own. */
export function startForClients(): Promise<Service> {
  const more = new Map<string, Uint8Array>();
  const read = (file: string) => readFileSync(path.join(assets, file));
  const manifest = JSON.parse(read(`${MODEL}/manifest.json`).toString());
  const { models } = JSON.parse(read('index.json').toString());
  const scalings = Object.values(SCALINGS);
  more.set('/models/index.json', json({ models: [...models, ...scalings.map(({ id }) => id)] }));
  for (const { id, scale, offset } of scalings) {
    for (const file of readdirSync(path.join(assets, MODEL)))
      more.set(`/models/${id}/${file}`, read(`${MODEL}/${file}`));
    more.set(`/models/${id}/manifest.json`, json({ ...manifest, id, input: { ...manifest.input, scale, offset } }));
  }
  return startDirectly(more);
}

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** One of the 200 committed test images: 28 x 28, grey. @param name `<class>-<position>.png` */
export const garment = (name: string): Buffer<ArrayBuffer> =>
  readFileSync(path.join(import.meta.dirname, '../fixtures/fashion', name)) as Buffer<ArrayBuffer>;

/** An ankle boot of the test set, which every model here sees as one. */
export const BOOT = '9-0000.png';
