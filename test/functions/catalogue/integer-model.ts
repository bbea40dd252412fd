import { sha256Hex } from '../../../functions/bytes.ts';
import { type Manifest, manifestSchema } from '../../../functions/catalogue/manifest.ts';
import { encodeProgram } from '../../../functions/runtime/int8/encoding.ts';
import { memoryBytes } from '../../../functions/runtime/int8/engine.ts';
import type { Program } from '../../../functions/runtime/int8/program.ts';
import { dense, weightsOf } from '../runtime/int8/two-pixels.ts';
import { json } from './model-folder.ts';

/** What every such model says of the pixels 10 and 3. */
export const PIXELS = Uint8Array.of(10, 3);
export const LOGITS = [23, 7, -8.5];

/** The folder of an integer network that takes about so many bytes, most of which no op reads. */
export async function integerModel(id: string, megabytes: number) {
  const program: Program = {
    input: { height: 1, width: 2, channels: 1 },
    output: { offset: 128, classes: 3 },
    arenaBytes: 512,
    weightsBytes: megabytes * 1_000_000,
    ops: [dense],
  };
  const files = new Map<string, Uint8Array<ArrayBuffer>>([
    ['program.bin', encodeProgram(program)],
    ['weights.bin', weightsOf(program.weightsBytes)],
    ['labels.json', json([{ label: 'a' }, { label: 'b' }, { label: 'c' }])],
  ]);
  const roles = { 'program.bin': 'program', 'weights.bin': 'weights', 'labels.json': 'labels' } as const;
  const listed = await Promise.all(
    Object.entries(roles).map(async ([path, role]) => {
      const bytes = files.get(path) ?? new Uint8Array();
      return { path, role, bytes: bytes.length, sha256: await sha256Hex(bytes) };
    }),
  );
  const manifest: Manifest = manifestSchema.parse({
    ...{ format: 1, id, version: '0'.repeat(64), revision: 1, title: id, runtime: 'int8', classes: 3, parameters: 6 },
    task: 'image-classification',
    input: {
      ...{ width: 2, height: 1, channels: 'grey', scale: [1], offset: [0] },
      resize: { rule: 'stretch', width: 2, height: 1, filter: 'area' },
    },
    output: { kind: 'logits', temperature: 1 },
    files: listed,
    memory: { weights: program.weightsBytes, arena: 512, total: memoryBytes(program) },
    provenance: { source: 'test', licence: 'none', command: 'none' },
  });
  return { manifest, files: files.set('manifest.json', json(manifest)) };
}
