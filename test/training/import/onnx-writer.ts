import { PbfWriter } from 'pbf';

/** Writes small ONNX models for tests, so that the same bytes go to onnxruntime and to the importer. */

export interface TestTensor {
  readonly dims: readonly number[];
  readonly floats?: ArrayLike<number>;
  readonly ints?: readonly number[];
  /** In place of values: keys and values of external data. */
  readonly external?: Readonly<Record<string, string>>;
}

export type Attribute = number | string | readonly number[] | { readonly float: number } | TestTensor;

export interface TestNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly domain?: string;
}

export interface TestModel {
  readonly nodes: readonly TestNode[];
  readonly initializers?: Readonly<Record<string, TestTensor>>;
  /** Dims of the input `x`; a name for a dynamic one. */
  readonly input: readonly (number | string)[];
  readonly output?: string;
  readonly opset?: number;
}

export function writeModel({ nodes, initializers = {}, input, output = 'y', opset = 13 }: TestModel): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, 8);
  pbf.writeMessage(
    7,
    (_, graph) => {
      for (const node of nodes) graph.writeMessage(1, writeNode, node);
      graph.writeStringField(2, 'test');
      for (const entry of Object.entries(initializers)) graph.writeMessage(5, writeTensor, entry);
      graph.writeMessage(11, writeValue, { name: 'x', dims: input });
      graph.writeMessage(12, writeValue, { name: output, dims: null });
    },
    null,
  );
  pbf.writeMessage(8, (version: number, id) => id.writeVarintField(2, version), opset);
  return pbf.finish();
}

/** The model with more outputs: protobuf joins the lists of a message that is given twice. */
export function withOutputs(model: Uint8Array, names: readonly string[]): Uint8Array {
  const pbf = new PbfWriter();
  pbf.writeMessage(
    7,
    (_, graph) => {
      for (const name of names) graph.writeMessage(12, writeValue, { name, dims: null });
    },
    null,
  );
  return Buffer.concat([model, pbf.finish()]);
}

function writeNode(node: TestNode, pbf: PbfWriter): void {
  for (const name of node.inputs) pbf.writeStringField(1, name);
  for (const name of node.outputs) pbf.writeStringField(2, name);
  pbf.writeStringField(3, `the ${node.op} of ${node.outputs[0]}`);
  pbf.writeStringField(4, node.op);
  for (const entry of Object.entries(node.attributes ?? {})) pbf.writeMessage(5, writeAttribute, entry);
  if (node.domain) pbf.writeStringField(7, node.domain);
}

/** A number is an int, a text a string, a list ints; a float stands in `{float}`. */
function writeAttribute([name, value]: [string, Attribute], pbf: PbfWriter): void {
  const types = { float: 1, int: 2, string: 3, tensor: 4, ints: 7 };
  pbf.writeStringField(1, name);
  let type: number;
  if (typeof value === 'number') {
    type = types.int;
    pbf.writeVarintField(3, value);
  } else if (typeof value === 'string') {
    type = types.string;
    pbf.writeBytesField(4, new TextEncoder().encode(value));
  } else if (isInts(value)) {
    type = types.ints;
    for (const number of value) pbf.writeVarintField(8, number);
  } else if ('float' in value) {
    type = types.float;
    pbf.writeFloatField(2, value.float);
  } else {
    type = types.tensor;
    pbf.writeMessage(5, writeTensor, ['', value] as [string, TestTensor]);
  }
  pbf.writeVarintField(20, type);
}

const isInts = (value: Attribute): value is readonly number[] => Array.isArray(value);

function writeTensor([name, tensor]: [string, TestTensor], pbf: PbfWriter): void {
  for (const dim of tensor.dims) pbf.writeVarintField(1, dim);
  pbf.writeVarintField(2, tensor.ints ? 7 : 1);
  if (tensor.floats) {
    const raw = Float32Array.from(tensor.floats);
    pbf.writeBytesField(9, new Uint8Array(raw.buffer));
  }
  if (tensor.ints) pbf.writePackedVarint(7, [...tensor.ints]);
  pbf.writeStringField(8, name);
  for (const entry of Object.entries(tensor.external ?? {}))
    pbf.writeMessage(
      13,
      ([key, value]: [string, string], part) => {
        part.writeStringField(1, key);
        part.writeStringField(2, value);
      },
      entry,
    );
  if (tensor.external) pbf.writeVarintField(14, 1);
}

function writeValue(value: { name: string; dims: readonly (number | string)[] | null }, pbf: PbfWriter): void {
  pbf.writeStringField(1, value.name);
  if (!value.dims) return;
  const dims = value.dims;
  pbf.writeMessage(
    2,
    (_, type) =>
      type.writeMessage(
        1,
        (__, tensor) => {
          tensor.writeVarintField(1, 1);
          tensor.writeMessage(
            2,
            (___, shape) => {
              for (const dim of dims)
                shape.writeMessage(
                  1,
                  (size: number | string, part) =>
                    typeof size === 'number' ? part.writeVarintField(1, size) : part.writeStringField(2, size),
                  dim,
                );
            },
            null,
          );
        },
        null,
      ),
    null,
  );
}
