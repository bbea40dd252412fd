import { describe, expect, it } from 'vitest';
import { classActivation, pooledEnd } from '../../../functions/runtime/int8/class-activation.ts';
import { convWeightIndex } from '../../../functions/runtime/int8/layout.ts';
import { calibrateAndQuantize } from '../../../training/compile/attempt.ts';
import { FloatNetwork } from '../../../training/compile/float-network.ts';
import { IntegerRun } from '../../../training/compile/integer-run.ts';
import { prepare } from '../../../training/compile/pipeline.ts';
import type { Graph, Node } from '../../../training/graph/graph.ts';
import { picture, pixelsFor, SMALL_NETWORKS } from './small-networks.ts';

/** Compiled networks, their memory planned, against the weighted feature maps of the same float network. */

const PICTURES = 24;
const network = (name: string): Graph => {
  const make = SMALL_NETWORKS[name];
  if (!make) throw new Error(`no network "${name}"`);
  return make();
};

async function compiled(graph: Graph) {
  const prepared = prepare(graph, pixelsFor(graph));
  const images = Array.from({ length: PICTURES }, (_, seed) => picture(graph, seed + 1));
  const { graph: quantized, float } = await calibrateAndQuantize(prepared, images, { denseBits: 8 }, () => {});
  float.dispose();
  const run = new IntegerRun(quantized, false);
  return { engine: run.engine, end: pooledEnd(run.packed.program), image: images[3] ?? new Uint8Array() };
}

/** Σ over channels of feature · weight, `[pixel]`, from the values that the float graph names. */
async function floatMap(graph: Graph, image: Uint8Array, index: number): Promise<number[]> {
  const dense = graph.nodes.findLast((node): node is Extract<Node, { op: 'dense' }> => node.op === 'dense');
  const pool = graph.nodes.find(({ name }) => name === dense?.inputs[0]);
  const [features = '', logits = ''] = [pool?.inputs[0], dense?.name];
  const float = await FloatNetwork.of(graph, pixelsFor(graph));
  const values = await float.run(image, (name) => name === features || name === logits);
  const [feature, out] = [values.get(features) ?? new Float32Array(), values.get(logits) ?? new Float32Array()];
  float.dispose();
  const [classes, weights] = [out.length, dense?.weights ?? new Float32Array()];
  const channels = weights.length / classes;
  return Array.from({ length: feature.length / channels }, (_, pixel) => {
    let sum = 0;
    for (let c = 0; c < channels; c++) {
      sum += (feature[pixel * channels + c] ?? 0) * (weights[c * classes + index] ?? 0);
    }
    return sum;
  });
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((x, y) => x + y, 0) / values.length;
  const [meanA, meanB] = [mean(a), mean(b)];
  const of = (x: readonly number[], mx: number, y: readonly number[], my: number) =>
    x.reduce((sum, value, i) => sum + (value - mx) * ((y[i] ?? 0) - my), 0);
  return of(a, meanA, b, meanB) / Math.sqrt(of(a, meanA, a, meanA) * of(b, meanB, b, meanB));
}

describe('class activation maps of compiled networks', () => {
  it.each([
    'convolution, batch norm, ReLU, max-pool',
    'residual additions, the shortcut computed last',
    'depthwise, ReLU6, linear bottleneck',
    // The features before the pool have a zero point, which shifts the whole map.
    'PReLU with slopes of its own',
    'concatenation, in place and by copy',
  ])('are the float ones: %s', async (name) => {
    const graph = network(name);
    const { engine, end, image } = await compiled(graph);
    if (!end?.dense) throw new Error('not recognised');
    for (const index of [0, 4, 9]) {
      const { activation, scores } = classActivation(engine, end, image, () => index);
      const map = await floatMap(graph, image, index);
      expect(activation.values.length).toBe(map.length);
      expect(correlation([...activation.values], map)).toBeGreaterThan(0.99);
      const mean = activation.values.reduce((sum, value) => sum + value, 0) / map.length;
      const logit = scores[index] ?? Number.NaN;
      // Half a step of each pooled channel is the most that rounding takes.
      const view = new DataView(engine.weights.buffer, engine.weights.byteOffset);
      let most = 1e-4;
      for (let c = 0; c < end.dense.inputChannels; c++) {
        const weight = view.getInt8(end.dense.weights + convWeightIndex(end.dense, 0, index, 0, c));
        most += 0.5 * Math.abs(weight) * view.getFloat32(end.dense.scale + 4 * index, true);
      }
      expect(Math.abs(mean + activation.bias - logit)).toBeLessThanOrEqual(most);
    }
  });

  it.each([
    'a dense layer over the picture',
    'a dense layer over a map of 5 channels',
    'three outputs with a sigmoid each',
  ])('are not there: %s', async (name) => {
    expect((await compiled(network(name))).end).toBeNull();
  });
});
