import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { manifestSchema } from '../../functions/catalogue/manifest.ts';
import { fold } from '../../training/compile/fold.ts';
import { fuse } from '../../training/compile/fuse.ts';
import type { FusedGraph } from '../../training/compile/fused-graph.ts';
import { openModel } from '../../training/import/open.ts';
import { packNetwork } from './network-file.ts';

/** The same network twice: as it was brought, and as this project's compiler wrote it. */
export interface BenchModel {
  readonly source: string;
  readonly folder: string;
}

export const floatNetwork = async ({ source }: BenchModel): Promise<FusedGraph> => fuse(fold(await openModel(source)));

/** Program and weights of a published model folder. */
export function integerNetwork({ folder }: BenchModel): { program: Buffer; weights: Buffer } {
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')));
  const read = (role: string) =>
    Buffer.concat(
      manifest.files.filter((file) => file.role === role).map((file) => readFileSync(path.join(folder, file.path))),
    );
  return { program: read('program'), weights: read('weights') };
}

/** What a runner without a file system has to be given. */
export async function filesOf(runner: string, model: BenchModel): Promise<Record<string, Uint8Array | string>> {
  if (runner !== 'tfjs-wasm') return { ...integerNetwork(model) };
  const { json, numbers } = packNetwork(await floatNetwork(model));
  return { json, numbers: new Uint8Array(numbers.buffer) };
}

export const isCompiled = ({ folder }: BenchModel): boolean => existsSync(path.join(folder, 'manifest.json'));
