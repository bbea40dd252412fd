import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { encodeProgram } from '../../functions/runtime/int8/encoding.ts';
import { memoryBytes } from '../../functions/runtime/int8/engine.ts';
import { denseInt4ScalesBytes } from '../../functions/runtime/int8/layout.ts';
import { unfilled } from '../../training/architectures/network.ts';
import { NETWORKS } from '../../training/architectures/table.ts';
import { chooseKernels, isWinogradWindow } from '../../training/compile/choose-kernels.ts';
import { place } from '../../training/compile/pack.ts';
import { prepare } from '../../training/compile/pipeline.ts';
import { type Preset, pixelsOf, presetInput } from '../../training/compile/presets.ts';
import { quantize, type Rounding } from '../../training/compile/quantize.ts';
import { quantizationOf } from '../../training/compile/ranges.ts';
import { CountedBlock } from '../../training/compile/weights-block.ts';
import { imagenetLabels } from '../../training/data/labels.ts';
import { publishModel } from '../../training/publish/model-folder.ts';

const GRID = quantizationOf(0, 6);
const SEED = 1;
/** Parts of at least so many bytes are weights, smaller ones scales and biases. */
const WEIGHTS_BYTES = 65_536;
/** 2^-10 as float16. */
const GROUP_SCALE = 0x1400;

/** Scales are made here, for which no weight has to be looked at. */
const UNROUNDED: Rounding = {
  int8: (weights, outputs) => ({
    weights: new Int8Array(weights.length),
    scales: new Float32Array(outputs).fill(0.001),
  }),
  int4: (weights, outputs, group) => ({
    weights: new Int8Array(weights.length),
    scales: new Float32Array(outputs).fill(0.001),
    groupScales: new Float32Array(Math.ceil(weights.length / outputs / group) * outputs),
  }),
};

class SmallParts extends CountedBlock {
  readonly parts: { readonly offset: number; readonly bytes: Uint8Array }[] = [];

  override add(bytes: number, make: Parameters<CountedBlock['add']>[1]): number {
    const offset = super.add(bytes, make);
    if (bytes < WEIGHTS_BYTES) {
      const part = make();
      this.parts.push({ offset, bytes: new Uint8Array(part.buffer, part.byteOffset, part.byteLength) });
    }
    return offset;
  }
}

/**
 * A published network at full size as a model folder `<folder>/<id>`: the program that its shapes give, and weights
 * that are bytes of a generator. What it says of a picture means nothing; its memory and its time are a real one's.
 */
export async function randomModel(folder: string, id: string, preset: Preset): Promise<void> {
  const network = NETWORKS.get(id);
  if (!network) throw new Error(`no network is named "${id}"`);
  const graph = unfilled(network);
  const input = presetInput(preset, graph.input.shape);
  const { fused, pixels } = prepare(graph, pixelsOf(input));
  const grids = new Map([fused.input.name, ...fused.layers.map(({ name }) => name)].map((name) => [name, GRID]));
  const quantized = quantize(fused, pixels, grids, { denseBits: 4 }, UNROUNDED);
  const block = new SmallParts();
  const { program } = place(
    chooseKernels(quantized, (conv) => (isWinogradWindow(conv) ? [0, 1, 2] : [0, 1])),
    block,
  );
  const weights = randomBytes(program.weightsBytes);
  for (const { offset, bytes } of block.parts) weights.set(bytes, offset);
  for (const op of program.ops) {
    if (op.kind === 'dense-int4') {
      new Uint16Array(weights.buffer, op.groupScales, denseInt4ScalesBytes(op) / 2).fill(GROUP_SCALE);
    }
  }
  await publishModel(path.join(folder, id), {
    id,
    title: `${network.title}, random weights`,
    runtime: 'int8',
    parameters: weights.length,
    input,
    output: { kind: 'logits', temperature: 1 },
    memory: { weights: program.weightsBytes, arena: program.arenaBytes, total: memoryBytes(program) },
    provenance: { source: 'random', licence: 'none', command: 'test/budgets', seed: SEED },
    labels: await imagenetLabels(),
    weights,
    network: { path: 'program.bin', role: 'program', content: () => encodeProgram(program) },
  });
}

/** Planned bytes of a model folder. */
export async function plannedBytes(folder: string): Promise<number> {
  const manifest = JSON.parse(await readFile(path.join(folder, 'manifest.json'), 'utf8'));
  return manifest.memory.total;
}

/** Xorshift (Marsaglia 2003), 32 bits at a time. */
function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = SEED;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}
