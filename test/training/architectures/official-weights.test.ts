import { describe, expect, it } from 'vitest';
import type { ParameterSource } from '../../../training/architectures/layer.ts';
import { NETWORKS } from '../../../training/architectures/table.ts';
import { toGraph } from '../../../training/architectures/to-graph.ts';
import { checkGraph } from '../../../training/graph/check.ts';
import type { Graph, Node } from '../../../training/graph/graph.ts';
import { prepareInterpreter } from '../../../training/graph/interpret.ts';
import { openModel } from '../../../training/import/open.ts';
import { randomNumbers } from '../../../training/train/random.ts';
import { shared } from '../../fixtures/shared.ts';

/**
 * Real networks (compared with onnxruntime in ../import/networks.test.ts) against the descriptions: the same nodes, and
 * with the real weights put into the description the same answers.
 */
const FILES = [
  ['googlenet', 'googlenet.onnx', Infinity],
  ['resnet50-torch', 'resnet50.onnx', Infinity],
  // The real VGG16 up to block2_pool.
  ['vgg16', 'vgg16-blocks-1-2/model.onnx', 6],
] as const;

/** Nodes by walking from the output through the inputs in their order: two lists of one network come out alike. */
function walk(graph: Graph): Node[] {
  const nodes = new Map(graph.nodes.map((node) => [node.name, node]));
  const order = new Set<Node>();
  const visit = (name: string) => {
    const node = nodes.get(name);
    if (!node || order.has(node)) return;
    node.inputs.forEach(visit);
    order.add(node);
  };
  visit(graph.output);
  return [...order];
}

/** An op with all that is no weight, and its shape. */
function described(graph: Graph): unknown[] {
  const shapes = checkGraph(graph);
  return walk(graph).map((node) => {
    const { name, inputs, weights, bias, scale, shift, alpha, ...rest } = node as Node & Record<string, unknown>;
    const lengths = [weights, bias, scale, shift].map((values) => (values instanceof Float32Array ? values.length : 0));
    const shape = shapes.get(node.name);
    return {
      ...rest,
      alpha: typeof alpha === 'number' ? Math.fround(alpha) : null,
      lengths,
      shape,
      inputs: inputs.length,
    };
  });
}

/** Weights of the real network, node by node in one order. */
function sourceOf(real: Graph, own: Graph): ParameterSource {
  const pairs = new Map(walk(own).map((node, i) => [node.name, walk(real)[i]]));
  return (layer, parameter) => {
    const node = pairs.get(`${layer.name}/linear`) ?? pairs.get(layer.name);
    const fill = (value: number) => new Float32Array(layer.output[2]).fill(value);
    if (node?.op === 'scale-shift' && layer.kind === 'batch-norm') {
      const values = {
        gamma: node.scale,
        beta: node.shift,
        moving_mean: fill(0),
        moving_variance: fill(1 - layer.epsilon),
      };
      if (parameter.name !== 'kernel' && parameter.name !== 'bias') return values[parameter.name];
    }
    if (node?.op !== 'conv' && node?.op !== 'dense') throw new Error(`"${layer.name}" meets ${node?.op}`);
    return (parameter.name === 'kernel' ? node.weights : node.bias) ?? fill(0);
  };
}

async function answer(graph: Graph, input: Float32Array): Promise<Float32Array> {
  const interpreter = await prepareInterpreter(graph);
  const values = await interpreter.run(input, (name) => name === graph.output);
  interpreter.dispose();
  return values.get(graph.output) ?? new Float32Array();
}

describe('descriptions are the real networks', () => {
  const there = shared('weights/googlenet.onnx') !== null;
  const title = (name: string) => (there ? name : `${name} (skipped: FIXTURES_DIR has no weights)`);
  it.skipIf(!there).each(FILES.map((row) => [title(row[0]), ...row] as const))('%s', async (_, name, file, count) => {
    const network = NETWORKS.get(name);
    if (!network) throw new Error(`no network ${name}`);
    const layers = network.layers.slice(0, count);
    const real = await openModel(shared(`weights/${file}`) ?? '');
    const random = toGraph(network.input, layers, network.random(1));
    expect(described(random)).toEqual(described(real));

    const own = toGraph(network.input, layers, sourceOf(real, random));
    const numbers = randomNumbers(9);
    const [height, width, channels] = network.input.shape;
    const input = Float32Array.from(
      { length: height * width * channels },
      () => (numbers() - 0.5) * 2 * network.input.deviation,
    );
    const [expected, actual] = [await answer(real, input), await answer(own, input)];
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (actual[i] ?? Number.NaN))), 0);
    console.log(`${name}: largest difference ${(worst / largest).toExponential(1)} of the largest output`);
    expect(actual.length).toBe(expected.length);
    expect(largest).toBeGreaterThan(0);
    expect(worst / largest).toBeLessThan(1e-4);
  });
});
