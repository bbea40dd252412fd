import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { SHARED_MODEL_BYTES } from '../../../functions/catalogue/isolate-bytes.ts';
import { memoryBytes } from '../../../functions/runtime/int8/engine.ts';
import { unfilled } from '../../../training/architectures/network.ts';
import { NETWORKS } from '../../../training/architectures/table.ts';
import { chooseKernels } from '../../../training/compile/choose-kernels.ts';
import { footprint } from '../../../training/compile/footprint.ts';
import { pack } from '../../../training/compile/pack.ts';
import { prepare } from '../../../training/compile/pipeline.ts';
import { quantize } from '../../../training/compile/quantize.ts';
import { quantizationOf } from '../../../training/compile/ranges.ts';

/**
 * Megabytes that each published network may plan: DESIGN section 4 for VGG16 and ResNet-50; for the others a byte a
 * parameter, 4.5 bits in large dense layers, and a few maps. `eight`: with 8-bit dense layers.
 */
const PLANNED: Readonly<Record<string, { readonly four: number; readonly eight?: number }>> = {
  lenet5: { four: 0.2 },
  alexnet: { four: 37, eight: 62 },
  'vgg-f': { four: 37, eight: 62 },
  'vgg-m': { four: 64, eight: 106 },
  'vgg-s': { four: 64, eight: 106 },
  vgg16: { four: 90, eight: 144 },
  vgg19: { four: 96, eight: 150 },
  googlenet: { four: 9 },
  resnet50: { four: 32 },
  'resnet50-torch': { four: 32 },
  seresnet50: { four: 33 },
  senet154: { four: 121 },
};

function networkOf(name: string) {
  const network = NETWORKS.get(name);
  if (!network) throw new Error(`no network is named "${name}"`);
  return network;
}

describe('the memory that a network will take', () => {
  it.each(Object.entries(PLANNED))('%s: within its budget', (name, { four, eight }) => {
    const graph = unfilled(networkOf(name));
    const planned = footprint(graph, { denseBits: 4 });
    expect(planned.total / 1e6).toBeLessThanOrEqual(four);
    expect(planned.total).toBeGreaterThanOrEqual(planned.weights + planned.arena);
    if (eight !== undefined) expect(footprint(graph, { denseBits: 8 }).total / 1e6).toBeLessThanOrEqual(eight);
  });

  it.each([...NETWORKS.keys()].filter((name) => !(name in PLANNED)))('%s: what compiling it takes', (name) => {
    const network = networkOf(name);
    const channels = network.input.shape[2];
    const pixels = { scale: new Array<number>(channels).fill(1 / 255), offset: new Array<number>(channels).fill(0) };
    const { fused, pixels: folded } = prepare(network.build(1), pixels);
    const values = [fused.input.name, ...fused.layers.map((layer) => layer.name)];
    const grids = new Map(values.map((value, index) => [value, quantizationOf(0, 1 + index)]));
    const { program } = pack(chooseKernels(quantize(fused, folded, grids, { denseBits: 4 })));
    const planned = footprint(unfilled(network), { denseBits: 4 });
    expect(planned.weights).toBe(program.weightsBytes);
    expect(planned.total).toBe(memoryBytes(program));
    expect(Math.abs(planned.arena - program.arenaBytes)).toBeLessThan(65_536);
  });

  it('is the bound by which the Worker passes a model on', () => {
    const settings = readFileSync(path.join(import.meta.dirname, '../../../wrangler.toml'), 'utf8');
    const [, bytes = ''] = /^SHARED_MODEL_BYTES = ([\d_]+)$/m.exec(settings) ?? [];
    expect(Number(bytes.replaceAll('_', ''))).toBe(SHARED_MODEL_BYTES);
  });
});
