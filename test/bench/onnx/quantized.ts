import type { Graph, Node } from '../../../training/graph/graph.ts';
import { writeOnnx } from '../../../training/onnx/write.ts';
import { OnnxNetwork, spell } from './network.ts';
import type { Range, Ranges } from './ranges.ts';

/**
 * A folded graph as onnxruntime runs it fastest in 8 bits: QDQ, uint8 activations on grids that calibration chose,
 * int8 weights symmetric with a scale for each output channel, int32 biases. ReLU and ReLU6 are left to the grid of
 * what they clip, which begins at 0; values that are moved, pooled or concatenated share a grid and stay in 8 bits.
 */
export function quantizedModel(graph: Graph, ranges: Ranges): Uint8Array<ArrayBuffer> {
  const network = new OnnxNetwork();
  const absorbed = absorbedActivations(graph);
  const storedAs = new Map(Array.from(absorbed, ([activation, inner]) => [inner, activation]));
  const grids = gridsOf(graph, ranges);
  const gridOf = (name: string): Grid => {
    const grid = grids.get(name);
    if (!grid) throw new Error(`no grid for "${name}"`);
    return grid;
  };
  /** Names of scale and zero point. */
  const gridConstants = (name: string): [string, string] => [
    network.constant(`${name}:scale`, Float32Array.of(gridOf(name).scale), []),
    network.constant(`${name}:zero`, Uint8Array.of(gridOf(name).zero), []),
  ];
  const quantize = (from: string, name: string) =>
    network.add('QuantizeLinear', [from, ...gridConstants(name)], `${name}:u8`);
  const weightScales = new Map<string, Float32Array>();
  const inputOf = new Map(graph.nodes.map(({ name, inputs }) => [name, inputs[0] ?? '']));
  let reads = 0;

  quantize(graph.input.name, graph.input.name);
  spell(
    graph,
    network,
    {
      // One for each reader: a shared one would not be joined into each of them.
      read: (name) => network.add('DequantizeLinear', [`${name}:u8`, ...gridConstants(name)], `${name}:read${reads++}`),
      weights(node, values, dims, axis) {
        const { bytes, scales } = symmetric(values, dims, axis);
        weightScales.set(node, scales);
        const zeros = new Int8Array(scales.length);
        const parts = [
          network.constant(`${node}:weights`, bytes, dims),
          network.constant(`${node}:weight-scales`, scales, [scales.length]),
          network.constant(`${node}:weight-zeros`, zeros, [scales.length]),
        ];
        return network.add('DequantizeLinear', parts, `${node}:real-weights`, { axis });
      },
      bias(node, values) {
        const input = gridOf(inputOf.get(node) ?? '').scale;
        const scales = (weightScales.get(node) ?? new Float32Array()).map((scale) => scale * input);
        const rounded = Int32Array.from(values, (value, c) => Math.round(value / (scales[c] ?? 1)));
        const parts = [
          network.constant(`${node}:bias`, rounded, [values.length]),
          network.constant(`${node}:bias-scales`, scales, [values.length]),
          network.constant(`${node}:bias-zeros`, new Int32Array(values.length), [values.length]),
        ];
        return network.add('DequantizeLinear', parts, `${node}:real-bias`, { axis: 0 });
      },
      write(name, emit) {
        emit(`${name}:real`);
        quantize(`${name}:real`, storedAs.get(name) ?? name);
      },
      move: (name, inputs, emit) =>
        emit(
          inputs.map((input) => `${input}:u8`),
          `${name}:u8`,
        ),
    },
    (node) => absorbed.has(node.name),
  );
  const output = network.add('DequantizeLinear', [`${graph.output}:u8`, ...gridConstants(graph.output)], 'scores');
  return writeOnnx(network.model(graph, output));
}

interface Grid {
  readonly scale: number;
  readonly zero: number;
}

function gridOfRange({ low, high }: Range): Grid {
  const scale = Math.max(high - low, 1e-6) / 255;
  return { scale: Math.fround(scale), zero: Math.round(-low / scale) };
}

/** Activation → what it clips from 0 on, where nothing else reads that. */
function absorbedActivations(graph: Graph): Map<string, string> {
  const byName = new Map(graph.nodes.map((node) => [node.name, node]));
  const uses = (name: string) => graph.nodes.flatMap(({ inputs }) => inputs).filter((input) => input === name).length;
  const absorbs = (node: Node): boolean => {
    const inner = byName.get(node.inputs[0] ?? '');
    if (node.op !== 'activation' || node.activation.kind !== 'clip' || node.activation.low !== 0) return false;
    return inner !== undefined && ['conv', 'dense', 'add'].includes(inner.op) && uses(inner.name) === 1;
  };
  return new Map(graph.nodes.filter(absorbs).map(({ name, inputs }) => [name, inputs[0] ?? '']));
}

function gridsOf(graph: Graph, ranges: Ranges): Map<string, Grid> {
  const groups = new Map(Array.from(ranges.keys(), (name) => [name, new Set([name])]));
  for (const node of graph.nodes) {
    if (!['concat', 'max-pool', 'flatten'].includes(node.op)) continue;
    for (const input of node.inputs) {
      const joined = new Set([...(groups.get(node.name) ?? []), ...(groups.get(input) ?? [])]);
      for (const name of joined) groups.set(name, joined);
    }
  }
  const grid = (names: ReadonlySet<string>): Grid => {
    const all = Array.from(names, (name) => ranges.get(name) ?? { low: 0, high: 0 });
    return gridOfRange({
      low: Math.min(...all.map(({ low }) => low)),
      high: Math.max(...all.map(({ high }) => high)),
    });
  };
  return new Map(Array.from(groups, ([name, names]) => [name, grid(names)]));
}

function symmetric(values: Float32Array, dims: readonly number[], axis: 0 | 1) {
  const channels = dims[axis] ?? 1;
  const channelOf = (index: number) => (axis === 0 ? Math.floor(index / (values.length / channels)) : index % channels);
  const scales = new Float32Array(channels);
  for (const [index, value] of values.entries()) {
    const c = channelOf(index);
    scales[c] = Math.max(scales[c] ?? 0, Math.abs(value) / 127);
  }
  for (const [c, scale] of scales.entries()) if (scale === 0) scales[c] = 1;
  const bytes = Int8Array.from(values, (value, index) => Math.round(value / (scales[channelOf(index)] ?? 1)));
  return { bytes, scales };
}
