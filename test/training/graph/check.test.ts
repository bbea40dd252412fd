import { describe, expect, it } from 'vitest';
import { checkGraph } from '../../../training/graph/check.ts';
import { type Graph, GraphError, type Node, type Shape } from '../../../training/graph/graph.ts';
import { prepareInterpreter } from '../../../training/graph/interpret.ts';
import { summary, totalParameters } from '../../../training/graph/summary.ts';

const window = { kernel: [3, 3], strides: [1, 1], pads: [1, 1, 1, 1] } as const;
const conv = (name: string, input: string, inputs: number, outputs: number): Node => ({
  name,
  inputs: [input],
  op: 'conv',
  ...window,
  dilations: [1, 1],
  groups: 1,
  weights: new Float32Array(9 * inputs * outputs).fill(0.5),
  bias: new Float32Array(outputs),
});
const relu = (name: string, input: string): Node => ({
  name,
  inputs: [input],
  op: 'activation',
  activation: { kind: 'clip', low: 0, high: Infinity },
});
const graph = (nodes: Node[], output = nodes.at(-1)?.name ?? '', shape: Shape = [8, 8, 3]): Graph => ({
  input: { name: 'x', shape },
  nodes,
  output,
});

it('gives the shape of every value', () => {
  const pool: Node = {
    name: 'p',
    inputs: ['r'],
    op: 'max-pool',
    kernel: [2, 2],
    strides: [2, 2],
    pads: [0, 0, 0, 0],
    output: [4, 4],
  };
  const flat: Node = { name: 'f', inputs: ['p'], op: 'flatten' };
  const dense: Node = { name: 'd', inputs: ['f'], op: 'dense', weights: new Float32Array(64 * 10), bias: null };
  const shapes = checkGraph(graph([conv('c', 'x', 3, 4), relu('r', 'c'), pool, flat, dense]));
  expect(Object.fromEntries(shapes)).toEqual({
    x: [8, 8, 3],
    c: [8, 8, 4],
    r: [8, 8, 4],
    p: [4, 4, 4],
    f: [1, 1, 64],
    d: [1, 1, 10],
  });
});

const broken = conv('c', 'x', 3, 4);
const BROKEN: Record<string, [graph: Graph, message: RegExp]> = {
  'a cycle': [graph([conv('a', 'b', 4, 4), relu('b', 'a')]), /"a" \(conv\) reads "b".*cycle/],
  'a node that reads itself': [graph([relu('a', 'a')]), /cycle/],
  'a value that nothing makes': [graph([relu('a', 'nothing')]), /"nothing", which nothing makes/],
  'one name twice': [graph([relu('a', 'x'), relu('a', 'x')]), /Two values are named "a"/],
  'a missing output': [graph([relu('a', 'x')], 'y'), /output "y"/],
  'NaN in weights': [
    graph([{ ...broken, op: 'conv', weights: new Float32Array(108).fill(Number.NaN, 7, 8) } as Node]),
    /"c" \(conv\): weights\[7\] is NaN/,
  ],
  'Infinity in a bias': [
    graph([{ ...broken, bias: Float32Array.of(0, Infinity, 0, 0) } as Node]),
    /bias\[1\] is Infinity/,
  ],
  'weights of a wrong size': [
    graph([{ ...broken, weights: new Float32Array(100) } as Node]),
    /100 weights, no multiple of 27/,
  ],
  'a bias of a wrong size': [
    graph([{ ...broken, bias: new Float32Array(3) } as Node]),
    /3 values of bias, and needs 4/,
  ],
  'a kernel larger than its input': [
    graph([{ ...broken, kernel: [20, 20], weights: new Float32Array(4800) } as Node]),
    /kernel larger than its padded input/,
  ],
  'groups that do not divide': [graph([{ ...broken, groups: 2 } as Node]), /2 groups over 3 channels/],
  'shapes that do not join': [
    graph([conv('c', 'x', 3, 4), { name: 's', inputs: ['c', 'x'], op: 'add' }]),
    /joins \[8, 8, 4\] and \[8, 8, 3\]/,
  ],
  'a dense layer over a map': [
    graph([{ name: 'd', inputs: ['x'], op: 'dense', weights: new Float32Array(30), bias: null }]),
    /flatten it first/,
  ],
  'a pad whose product overflows': [
    graph([{ name: 'p', inputs: ['x'], op: 'pad', pads: [2 ** 30, 2 ** 30, 2 ** 30, 0], channels: [0, 0] }]),
    /elements at most/,
  ],
  'an input whose product overflows': [graph([relu('a', 'x')], 'a', [2 ** 40, 2 ** 40, 3]), /elements at most/],
  'a slice beyond the map': [
    graph([{ name: 's', inputs: ['x'], op: 'slice', start: [4, 0, 0], size: [5, 8, 3], step: [1, 1, 1] }]),
    /takes 5 of 8 from 4/,
  ],
  'a pool window outside its input': [
    graph([
      { name: 'p', inputs: ['x'], op: 'max-pool', kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0], output: [5, 4] },
    ]),
    /wholly outside/,
  ],
};

describe('refuses', () => {
  it.each(Object.entries(BROKEN))('%s', async (_, [bad, message]) => {
    expect(() => checkGraph(bad)).toThrow(GraphError);
    expect(() => checkGraph(bad)).toThrow(message);
    await expect(prepareInterpreter(bad)).rejects.toThrow(message);
  });
});

describe('the interpreter', () => {
  it('keeps what is asked for, and only that', async () => {
    const interpreter = await prepareInterpreter(graph([conv('c', 'x', 3, 4), relu('r', 'c')]));
    const input = new Float32Array(192).fill(1);
    expect([...(await interpreter.run(input)).keys()]).toEqual(['x', 'c', 'r']);
    expect([...(await interpreter.run(input, (name) => name === 'r')).keys()]).toEqual(['r']);
    await expect(interpreter.run(new Float32Array(5))).rejects.toThrow(/5 values, and \[8, 8, 3\] are 192/);
    interpreter.dispose();
  });

  it('sums an even LRN window as ONNX says: floor((n − 1) / 2) channels before, ceil((n − 1) / 2) after', async () => {
    const lrn: Node = { name: 'l', inputs: ['x'], op: 'lrn', size: 4, alpha: 2, beta: 0.5, k: 1 };
    const interpreter = await prepareInterpreter(graph([lrn], 'l', [1, 1, 5]));
    const input = Float32Array.of(1, 2, 3, 4, 5);
    const value = (await interpreter.run(input)).get('l') ?? [];
    interpreter.dispose();
    const sums = [1 + 4 + 9, 1 + 4 + 9 + 16, 4 + 9 + 16 + 25, 9 + 16 + 25, 16 + 25];
    for (const [i, sum] of sums.entries()) expect(value[i]).toBeCloseTo((i + 1) / Math.sqrt(1 + 0.5 * sum), 5);
  });
});

it('summarises as Keras does', () => {
  const network = graph([conv('c', 'x', 3, 4), relu('r', 'c')]);
  expect(totalParameters(network)).toBe(112);
  expect(summary(network, 'tiny').split('\n')).toEqual([
    'Model: "tiny"',
    '_'.repeat(52),
    'Layer (type)  Output shape     Param #  Connected to',
    '='.repeat(52),
    'x (input)     (None, 8, 8, 3)        0',
    'c (conv)      (None, 8, 8, 4)      112  x',
    'r (clip)      (None, 8, 8, 4)        0  c',
    '='.repeat(52),
    'Total params: 112',
  ]);
});
