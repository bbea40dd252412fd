import { expect, it } from 'vitest';
import { prepareInterpreter } from '../../../training/graph/interpret.ts';
import { recogniseHardSwish } from '../../../training/import/hard-swish.ts';
import { importLayers } from '../../../training/import/layers/model.ts';

/** Operators in the code of a Keras network, in the two forms that `model_config` has for them. */

const input = {
  class_name: 'InputLayer',
  name: 'x',
  config: { batch_input_shape: [null, 2, 3, 1], name: 'x' },
  inbound_nodes: [],
};
const layer = (name: string, kind: string, config: object, inbound: unknown) => ({
  class_name: kind,
  name,
  config: { name, ...config },
  inbound_nodes: [inbound],
});
const network = (layers: object[], output: string) => ({
  class_name: 'Functional',
  config: { name: 'net', layers: [input, ...layers], input_layers: [['x', 0, 0]], output_layers: [[output, 0, 0]] },
});

/** TFOpLambda of Keras 2.4 to 2.15. */
const lambda = (name: string, fn: string, from: string, y: unknown) =>
  layer(name, 'TFOpLambda', { function: fn }, [from, 0, 0, { y, name: null }]);

/** Operator classes of Keras 3. */
const tensor = (name: string) => ({
  class_name: '__keras_tensor__',
  config: { shape: [null, 2, 3, 1], keras_history: [name, 0, 0] },
});
const op = (name: string, kind: string, args: unknown[], config = {}) =>
  layer(name, kind, config, { args, kwargs: {} });

const imported = (topology: object, version = 2) =>
  importLayers({ topology: { ...topology }, version, inputShape: null, weights: () => new Map(), notice: () => {} });

async function run(topology: object, values: number[], version = 2): Promise<number[]> {
  const graph = imported(topology, version);
  const interpreter = await prepareInterpreter(graph);
  const result = await interpreter.run(Float32Array.from(values));
  interpreter.dispose();
  return Array.from(result.get(graph.output) ?? []);
}

const VALUES = [-4, -1, 0, 1, 2.5, 8];

it('reads the hard-swish of MobileNetV3 as Keras 2 saves it', () => {
  const topology = network(
    [
      lambda('plus', '__operators__.add', 'x', 3),
      layer('clip', 'ReLU', { max_value: 6 }, [['plus', 0, 0, {}]]),
      lambda('sixth', 'math.multiply', 'clip', 1 / 6),
      layer('product', 'Multiply', {}, [
        ['x', 0, 0, {}],
        ['sixth', 0, 0, {}],
      ]),
    ],
    'product',
  );
  const { nodes } = recogniseHardSwish(imported(topology));
  expect(nodes).toEqual([{ name: 'product', op: 'activation', inputs: ['x'], activation: { kind: 'hard-swish' } }]);
});

it('computes with numbers and with other values on either side', async () => {
  const keras2 = network(
    [
      lambda('half', 'math.truediv', 'x', 2),
      lambda('less', 'math.subtract', 'half', 1),
      lambda('sum', '__operators__.add', 'less', ['x', 0, 0]),
      layer('from', 'TFOpLambda', { function: 'math.subtract' }, [
        '_CONSTANT_VALUE',
        -1,
        10,
        { y: ['sum', 0, 0], name: null },
      ]),
    ],
    'from',
  );
  const keras3 = network(
    [
      op('half', 'TrueDivide', [tensor('x'), 2]),
      op('less', 'Subtract', [tensor('half'), 1]),
      op('sum', 'Add', [[tensor('less'), tensor('x')]]),
      op('from', 'Subtract', [10, tensor('sum')]),
    ],
    'from',
  );
  const expected = VALUES.map((x) => 10 - (x / 2 - 1 + x));
  expect(await run(keras2, VALUES)).toEqual(expected);
  expect(await run(keras3, VALUES, 3)).toEqual(expected);
});

it('takes the hard_sigmoid of the version that wrote the file', async () => {
  const topology = network([op('y', 'Activation', [tensor('x')], { activation: 'hard_sigmoid' })], 'y');
  const clip = (value: number) => Math.min(Math.max(value, 0), 1);
  for (const [version, slope] of [
    [2, 0.2],
    [3, 1 / 6],
  ] as const) {
    const actual = await run(topology, VALUES, version);
    for (const [i, x] of VALUES.entries()) expect(actual[i]).toBeCloseTo(clip(x * slope + 0.5), 6);
  }
});

it('refuses a function that no engine has, and code', () => {
  expect(() => imported(network([lambda('y', 'math.erf', 'x', 1)], 'y'))).toThrow(/"math.erf", which is not supported/);
  expect(() => imported(network([layer('y', 'Lambda', {}, [['x', 0, 0, {}]])], 'y'))).toThrow(
    /code in a layer cannot be read/,
  );
});

it('refuses a cycle', () => {
  const layers = [layer('a', 'ReLU', {}, [['b', 0, 0, {}]]), layer('b', 'ReLU', {}, [['a', 0, 0, {}]])];
  expect(() => imported(network(layers, 'b'))).toThrow(/depends on its own output: the graph has a cycle/);
});
