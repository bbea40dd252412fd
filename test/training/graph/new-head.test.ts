import { describe, expect, it } from 'vitest';
import type { Graph, Node } from '../../../training/graph/graph.ts';
import { prepareInterpreter } from '../../../training/graph/interpret.ts';
import { featuresOf, withHead } from '../../../training/graph/new-head.ts';

const dense = (name: string, input: string, weights: readonly number[], bias: readonly number[]): Node => ({
  name,
  inputs: [input],
  op: 'dense',
  weights: Float32Array.from(weights),
  bias: Float32Array.from(bias),
});

/** Two numbers → features (2x + 1, 3y) → an old head, a softmax, and a branch that nobody reads. */
const network = (ending: readonly Node[], output: string): Graph => ({
  input: { name: 'in', shape: [1, 1, 2] },
  nodes: [dense('features', 'in', [2, 0, 0, 3], [1, 0]), dense('branch', 'in', [1, 1], [0]), ...ending],
  output,
});
const OLD = [
  dense('old', 'features', [1, 2, 3, 4, 5, 6], [0, 0, 0]),
  { name: 'scores', inputs: ['old'], op: 'softmax' } as const,
];

describe('a new head', () => {
  it('reads what the last dense layer read, and the rest is gone', async () => {
    const graph = network(OLD, 'scores');
    expect(featuresOf(graph)).toEqual({ name: 'features', size: 2 });
    const changed = withHead(graph, Float32Array.of(1, -1, 10, 20), Float32Array.of(0.5, 0));
    expect(changed.nodes.map(({ name }) => name)).toEqual(['features', 'head']);
    const run = await prepareInterpreter(changed);
    const values = await run.run(Float32Array.of(4, 5));
    // Features 9 and 15.
    expect([...(values.get('features') ?? [])]).toEqual([9, 15]);
    expect([...(values.get(changed.output) ?? [])]).toEqual([9 + 150 + 0.5, -9 + 300]);
    run.dispose();
  });

  it('does not fit a network that ends otherwise, or other features', () => {
    const pooled: Graph = {
      input: { name: 'in', shape: [4, 4, 3] },
      nodes: [{ name: 'mean', inputs: ['in'], op: 'global-average-pool' }],
      output: 'mean',
    };
    expect(() => featuresOf(pooled)).toThrow(/ends in "mean" \(global-average-pool\): only a dense layer/);
    expect(() => withHead(network(OLD, 'scores'), new Float32Array(6), new Float32Array(2))).toThrow(
      /6 weights does not fit 2 features/,
    );
  });
});
