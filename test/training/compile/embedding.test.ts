import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { embed, headOf } from '../../../functions/runtime/int8/embedding.ts';
import { calibrateAndQuantize } from '../../../training/compile/attempt.ts';
import { FloatNetwork } from '../../../training/compile/float-network.ts';
import { IntegerRun } from '../../../training/compile/integer-run.ts';
import { prepare } from '../../../training/compile/pipeline.ts';
import { pixelsOf } from '../../../training/compile/presets.ts';
import { preparer } from '../../../training/data/prepare.ts';
import { loadServedModel } from '../../../training/evaluate/served-model.ts';
import type { Graph } from '../../../training/graph/graph.ts';
import { openModel } from '../../../training/import/open.ts';
import { shared } from '../../fixtures/shared.ts';
import { picture, pixelsFor, SMALL_NETWORKS } from './small-networks.ts';

/** Embeddings of compiled networks against the same tensor of the float network. */

const LEAST_COSINE = 0.999;
const models = path.join(import.meta.dirname, '../../../models');

function cosine(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** What the last dense layer of a float graph reads. */
function headInput(graph: Graph): string {
  const dense = graph.nodes.findLast(({ op }) => op === 'dense');
  if (!dense) throw new Error('no dense layer');
  return dense.inputs[0] ?? '';
}

describe('embeddings of compiled networks', () => {
  it.each([
    'convolution, batch norm, ReLU, max-pool',
    'residual additions, the shortcut computed last',
    'PReLU with slopes of its own',
    'concatenation, in place and by copy',
  ])('are the float ones: %s', async (name) => {
    const make = SMALL_NETWORKS[name];
    if (!make) throw new Error(`no network "${name}"`);
    const graph = make();
    const images = Array.from({ length: 24 }, (_, seed) => picture(graph, seed + 1));
    const prepared = prepare(graph, pixelsFor(graph));
    const { graph: quantized, float: made } = await calibrateAndQuantize(prepared, images, { denseBits: 8 }, () => {});
    made.dispose();
    const run = new IntegerRun(quantized, false);
    const head = headOf(run.packed.program);
    if (!head) throw new Error('has no head');
    const float = await FloatNetwork.of(graph, pixelsFor(graph));
    for (const image of images.slice(0, 4)) {
      const tensor = (await float.run(image, (value) => value === headInput(graph))).get(headInput(graph));
      expect(cosine(embed(run.engine, head, image).values, tensor ?? new Float32Array())).toBeGreaterThan(LEAST_COSINE);
    }
    float.dispose();
  });
});

describe('embeddings as they are served', () => {
  it('of fashion-mlp are those of the float network that it was made from', async () => {
    const [integer, float] = await Promise.all([served('fashion-mlp'), served('fashion-mlp-float')]);
    const prepare = preparer(integer.manifest.input);
    const folder = path.join(import.meta.dirname, '../../fixtures/fashion');
    const files = readdirSync(folder).filter((name) => name.endsWith('.png'));
    expect(files.length).toBeGreaterThanOrEqual(200);
    const cosines: number[] = [];
    for (const file of files) {
      const pixels = await prepare(readFileSync(path.join(folder, file)));
      cosines.push(cosine(await integer.embed(pixels), await float.embed(pixels)));
    }
    // One layer in 7 bits, most of its outputs zero: the least lie just below.
    const { least, median } = report('fashion-mlp', cosines);
    expect(least).toBeGreaterThan(0.998);
    expect(median).toBeGreaterThan(LEAST_COSINE);
  });

  /** What 7-bit activations leave through so many layers: measured, and to be no less. */
  const FLOORS: Readonly<Record<string, { least: number; median: number }>> = {
    resnet50: { least: 0.985, median: 0.995 },
    googlenet: { least: 0.996, median: 0.998 },
  };
  const photographs = shared('data/imagenet-sample') ?? '';
  const isThere = (id: string) =>
    photographs !== '' && shared(`weights/${id}.onnx`) !== null && existsSync(path.join(models, id));
  const compiled = Object.entries(FLOORS).filter(([id]) => isThere(id));

  it.each(compiled)('of %s are near those of its ONNX file', async (id, floor) => {
    const { manifest, embed } = await served(id);
    const prepare = preparer(manifest.input);
    const graph = await openModel(shared(`weights/${id}.onnx`) ?? '', { notice: () => {} });
    const name = headInput(graph);
    const float = await FloatNetwork.of(graph, pixelsOf(manifest.input));
    const cosines: number[] = [];
    for (const file of readdirSync(photographs).filter((_, i) => i % 10 === 0)) {
      const pixels = await prepare(readFileSync(path.join(photographs, file)));
      const tensor = (await float.run(pixels, (value) => value === name)).get(name) ?? new Float32Array();
      cosines.push(cosine(await embed(pixels), tensor));
    }
    float.dispose();
    const { least, median } = report(id, cosines);
    expect(least).toBeGreaterThanOrEqual(floor.least);
    expect(median).toBeGreaterThanOrEqual(floor.median);
  });
  if (compiled.length === 0) it.skip('of ImageNet networks (needs one compiled, and shared data)');
});

async function served(id: string) {
  const { manifest, classifier } = await loadServedModel(path.join(models, id));
  const embed = async (pixels: Uint8Array) => (await classifier.embed?.(pixels))?.values ?? new Float32Array();
  return { manifest, embed };
}

function report(id: string, cosines: readonly number[]): { readonly least: number; readonly median: number } {
  const sorted = cosines.toSorted((a, b) => a - b);
  const [least = 0, median = 0] = [sorted[0], sorted[Math.floor(sorted.length / 2)]];
  const figures = `least ${least.toFixed(5)}, median ${median.toFixed(5)}`;
  console.log(`${id}: cosine of ${sorted.length} embeddings with float: ${figures}`);
  return { least, median };
}
