import { ServiceError } from '../errors.ts';
import type { Classifier } from '../runtime/classifier.ts';
import { loadInt8Classifier } from '../runtime/int8/classifier.ts';
import type { Where } from '../runtime/int8/engine.ts';
import type { KernelModules } from '../runtime/int8/kernels.ts';
import type { AssetSource } from './assets.ts';
import { parseJson } from './catalogue.ts';
import { brokenModel } from './errors.ts';
import type { Manifest, ModelFile } from './manifest.ts';
import { readVerified, streamVerified } from './read.ts';

export interface RuntimeModules {
  readonly tfjs: WebAssembly.Module;
  readonly int8: KernelModules;
}

/**
 * A model folder becomes a running network. Each file is checked against the manifest as it arrives.
 * @param where an integer program goes; without, into a memory of its own
 * @throws ServiceError `model-broken` naming the file.
 */
export function loadClassifier(
  assets: AssetSource,
  manifest: Manifest,
  modules: RuntimeModules,
  where?: Where,
): Promise<Classifier> {
  return manifest.runtime === 'tfjs'
    ? loadTfjs(assets, manifest, modules.tfjs)
    : loadInt8(assets, manifest, modules.int8, where);
}

/** What an integer program takes at most: each thread but one more has an arena of its own, and records of its parts. */
export function plannedBytes({ memory, files }: Manifest, { threads }: KernelModules): number {
  if (!threads) return memory.total;
  const records = files.reduce((sum, { role, bytes }) => (role === 'program' ? sum + bytes : sum), 0);
  return (
    memory.total + (threads.threads - 1) * (memory.arena + ALIGNMENT_BYTES) + threads.threads * records + PAGE_BYTES
  );
}

const ALIGNMENT_BYTES = 64;
const PAGE_BYTES = 65_536;

async function loadInt8(
  assets: AssetSource,
  manifest: Manifest,
  modules: RuntimeModules['int8'],
  where: Where | undefined,
): Promise<Classifier> {
  const file = onlyFile(manifest, 'program');
  const shards = filesOf(manifest, 'weights');
  const model = await loadInt8Classifier({
    modules,
    program: await readVerified(assets, manifest, file),
    weightsBytes: shards.reduce((sum, shard) => sum + shard.bytes, 0),
    fill: (target) => streamShards(assets, manifest, shards, target),
    where,
  }).catch((error: unknown) => {
    if (error instanceof ServiceError) throw error;
    throw brokenModel(manifest.id, file.path, error instanceof Error ? error.message : 'is no program', error);
  });
  const planned = plannedBytes(manifest, modules);
  if (model.bytes > planned) {
    throw brokenModel(manifest.id, 'manifest.json', `plans ${planned} bytes for a program of ${model.bytes}`);
  }
  return model;
}

async function loadTfjs(assets: AssetSource, manifest: Manifest, backend: WebAssembly.Module): Promise<Classifier> {
  const shards = filesOf(manifest, 'weights');
  const weights = new Uint8Array(shards.reduce((sum, shard) => sum + shard.bytes, 0));
  await streamShards(assets, manifest, shards, () => weights);
  const file = onlyFile(manifest, 'topology');
  const topology = parseJson(await readVerified(assets, manifest, file));
  // TF.js is large: it is evaluated when the first model asks for it, not when the isolate starts.
  const { loadTfjsClassifier } = await import('../runtime/tfjs/classifier.ts');
  const { input } = manifest;
  return loadTfjsClassifier({
    backend,
    topology: topology as Parameters<typeof loadTfjsClassifier>[0]['topology'],
    weights: weights.buffer,
    shape: [input.height, input.width, input.channels === 'grey' ? 1 : 3],
    scale: input.scale,
    offset: input.offset,
  }).catch((error: unknown) => {
    throw brokenModel(manifest.id, file.path, 'is no layers model that TF.js can read', error);
  });
}

/** Streams at once: a Worker may have six, and other requests want theirs. */
const STREAMS = 3;

/** Each shard to its place, one behind the other. When this ends, also by an error, nothing is written any more. */
async function streamShards(
  assets: AssetSource,
  manifest: Manifest,
  shards: readonly ModelFile[],
  target: () => Uint8Array<ArrayBuffer>,
): Promise<void> {
  let at = 0;
  const waiting = shards.map((shard) => {
    const from = at;
    at += shard.bytes;
    return () => streamVerified(assets, manifest, shard, () => target().subarray(from, from + shard.bytes));
  });
  const stream = async () => {
    try {
      for (let next = waiting.shift(); next; next = waiting.shift()) await next();
    } catch (error) {
      waiting.length = 0;
      throw error;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: STREAMS }, stream));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
}

function filesOf(manifest: Manifest, role: ModelFile['role']): readonly ModelFile[] {
  return manifest.files.filter((file) => file.role === role);
}

function onlyFile(manifest: Manifest, role: ModelFile['role']): ModelFile {
  const [file, ...more] = filesOf(manifest, role);
  if (!file || more.length > 0) throw brokenModel(manifest.id, 'manifest.json', `must list one file of role ${role}`);
  return file;
}
