import { sha256Hex } from '../../../functions/bytes.ts';
import type { Manifest } from '../../../functions/catalogue/manifest.ts';
import { encodeProgram } from '../../../functions/runtime/int8/encoding.ts';
import { memoryBytes } from '../../../functions/runtime/int8/engine.ts';
import { json } from '../catalogue/model-folder.ts';
import { CHANNELS, CLASSES, HEIGHT, NETWORK, networkWeights, WIDTH } from '../runtime/int8/pooled-network.ts';

/** The model folder of the pooled network. Its class 1, "bright", always wins, and is made of light. */
export async function pooledModel(id: string): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const { program } = NETWORK;
  const files = new Map<string, Uint8Array<ArrayBuffer>>([
    ['program.bin', encodeProgram(program)],
    ['weights.bin', networkWeights(BRIGHT)],
    ['labels.json', json(Array.from({ length: CLASSES }, (_, n) => ({ label: n === 1 ? 'bright' : `${n}` })))],
  ]);
  const roles = { 'program.bin': 'program', 'weights.bin': 'weights', 'labels.json': 'labels' } as const;
  const listed = await Promise.all(
    Object.entries(roles).map(async ([path, role]) => {
      const bytes = files.get(path) ?? new Uint8Array();
      return { path, role, bytes: bytes.length, sha256: await sha256Hex(bytes) };
    }),
  );
  const manifest: Manifest = {
    ...{
      format: 1,
      id,
      version: '1'.repeat(64),
      revision: 1,
      title: id,
      runtime: 'int8',
      task: 'image-classification',
    },
    ...{
      parameters: 43,
      macs: 216,
      explanation: 'cam',
      embedding: { dims: CHANNELS },
      classes: CLASSES,
      files: listed,
      output: { kind: 'logits', temperature: 1 },
    },
    input: {
      ...{ width: WIDTH, height: HEIGHT, channels: 'grey', scale: [1 / 255], offset: [0] },
      resize: { rule: 'stretch', width: WIDTH, height: HEIGHT, filter: 'area' },
    },
    memory: { weights: program.weightsBytes, arena: program.arenaBytes, total: memoryBytes(program) },
    provenance: { source: 'test', licence: 'none', command: 'none' },
  };
  files.set('manifest.json', json(manifest));
  return files;
}

/** Channels of light are the even ones, those of darkness the odd ones. */
const BRIGHT = {
  dense: (n: number, c: number) => (n === 1 ? 100 * (c % 2 === 0 ? 1 : -1) : 0),
  denseBias: (n: number) => (n === 1 ? 70 : 0),
};
