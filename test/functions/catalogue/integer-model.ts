import { sha256Hex } from '../../../functions/bytes.ts';
import { type Manifest, manifestSchema } from '../../../functions/catalogue/manifest.ts';
import { encodeProgram } from '../../../functions/runtime/int8/encoding.ts';
import { memoryBytes } from '../../../functions/runtime/int8/engine.ts';
import { convFirstWeightIndex } from '../../../functions/runtime/int8/layout.ts';
import type { OpOf, Program } from '../../../functions/runtime/int8/program.ts';
import { json } from './model-folder.ts';

/** Two grey pixels → three logits: 2a + b, a − b, −3b + 0.5. */
const dense: OpOf<'conv-first'> = {
  kind: 'conv-first',
  layer: 'dense',
  ...{ input: 0, inputHeight: 1, inputWidth: 2, inputChannels: 1, inputStride: 1 },
  ...{ output: 128, outputHeight: 1, outputWidth: 1, outputChannels: 3, outputStride: 3 },
  ...{ kernelHeight: 1, kernelWidth: 2, strideY: 1, strideX: 1, padTop: 0, padLeft: 0 },
  ...{ scale: 64, bias: 96, residual: -1, residualStride: 0, residualScale: 0, activation: 0, slope: 0 },
  ...{ alpha: 0, beta: 0, activationScale: 0, activationZero: 0, low: 0, high: 127, float: 1 },
  ...{ weights: 128, padValues: 0, scratch: 256, scratchBytes: 68 },
};
const ROWS = [
  [2, 1],
  [1, -1],
  [0, -3],
];

function weightsOf(bytes: number): Uint8Array<ArrayBuffer> {
  const weights = new Uint8Array(bytes).fill(1, 256);
  const view = new DataView(weights.buffer);
  ROWS.forEach((row, n) => {
    view.setFloat32(dense.scale + 4 * n, 1, true);
    row.forEach((weight, tap) => {
      view.setInt8(dense.weights + convFirstWeightIndex(dense, n, tap, 0), weight);
    });
  });
  view.setFloat32(dense.bias + 8, 0.5, true);
  return weights;
}

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
