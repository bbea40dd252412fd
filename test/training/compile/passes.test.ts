import { describe, expect, it } from 'vitest';
import { FloatNetwork } from '../../../training/compile/float-network.ts';
import { prepare } from '../../../training/compile/pipeline.ts';
import { type Graph, GraphError, type Node } from '../../../training/graph/graph.ts';
import { Network, picture, pixelsFor, SMALL_NETWORKS } from './small-networks.ts';

const layersOf = (graph: Graph) =>
  prepare(graph, pixelsFor(graph)).fused.layers.map(({ operation, residual, activation }) => {
    return `${operation.op}${residual === null ? '' : ' + residual'}${activation ? `, ${activation.kind}` : ''}`;
  });

describe('float passes', () => {
  it.each(Object.entries(SMALL_NETWORKS))('keep what the network computes: %s', async (_, make) => {
    const graph = make();
    const prepared = prepare(graph, pixelsFor(graph));
    const last = graph.nodes.find(({ name }) => name === graph.output);
    const before = await FloatNetwork.of(graph, pixelsFor(graph), prepared.softmax ? last?.inputs[0] : graph.output);
    const after = await FloatNetwork.of(prepared.graph, prepared.pixels);
    expect(prepared.softmax).toBe(last?.op === 'softmax');
    const image = picture(graph, 5);
    const [exact, folded] = [await before.output(image), await after.output(image)];
    const size = Math.max(...exact.map(Math.abs));
    for (const [index, value] of exact.entries())
      expect(Math.abs(value - (folded[index] ?? 0)) / size).toBeLessThan(1e-5);
  });

  it.each([
    [
      'convolution, batch norm, ReLU, max-pool',
      ['conv, clip', 'max-pool', 'conv, clip', 'global-average-pool', 'dense'],
    ],
    [
      'residual additions, the shortcut computed last',
      [
        'conv, clip',
        'conv, clip',
        'conv',
        'conv + residual, clip',
        'conv, clip',
        'conv + residual, clip',
        'global-average-pool',
        'dense',
      ],
    ],
    [
      'hard-swish and hard-sigmoid spelled out',
      ['conv, hard-swish', 'global-average-pool', 'conv, hard-sigmoid', 'mul', 'global-average-pool', 'dense'],
    ],
    ['shortcut by slice and pad', ['conv, clip', 'copy', 'conv + residual, clip', 'global-average-pool', 'dense']],
    [
      'zero padding and pools as nodes of their own',
      ['conv, clip', 'max-pool', 'conv, clip', 'global-average-pool', 'dense'],
    ],
    ['a dense layer over the picture', ['conv, clip', 'dense']],
  ])('leave %s as few layers', (name, layers) => {
    const graph = SMALL_NETWORKS[name]?.();
    expect(graph && layersOf(graph)).toEqual(layers);
  });

  it('do not fold a shift into a padded convolution after it, where the border would differ', () => {
    const graph = SMALL_NETWORKS['pre-activation: a batch norm that cannot be folded']?.();
    expect(graph && layersOf(graph)).toEqual([
      'conv',
      'conv, clip',
      'conv + residual',
      'conv, clip',
      'global-average-pool',
      'dense',
    ]);
  });

  it('name the pass and the node where a network cannot be compiled', () => {
    const n = new Network([4, 4, 3]);
    const mean = n.add({ op: 'global-average-pool' } as Node, n.conv('pixels', 3, 8));
    const inner = n.add({ op: 'softmax' } as Node, mean);
    const graph = n.end(n.dense(inner, 8, 2));
    expect(() => prepare(graph, pixelsFor(graph))).toThrow(GraphError);
    expect(() => prepare(graph, pixelsFor(graph))).toThrow(
      /"softmax2" is a softmax inside the network.*pass drop-softmax/,
    );
  });

  it('refuse more channels than a picture has', () => {
    const n = new Network([4, 4, 5]);
    const graph = n.head(n.conv('pixels', 5, 8), 8);
    expect(() => prepare(graph, pixelsFor(graph))).toThrow(/5 channels/);
  });
});
