import { PbfWriter } from 'pbf';

/** Writes ONNX files: the messages of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) that a network needs. */

export type Values = Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array;
export type Attribute = number | readonly number[] | { readonly float: number } | { readonly text: string };

export interface OnnxNode {
  readonly op: string;
  /** Of the operator; the standard's where left out. */
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface OnnxTensor {
  readonly dims: readonly number[];
  readonly values: Values;
}

/** Float32. */
export interface OnnxInput {
  readonly name: string;
  /** A name stands for a length that each run may choose. */
  readonly dims: readonly (number | string)[];
}

export interface OnnxModel {
  /** Version of the operators. */
  readonly opset: number;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
  readonly inputs: readonly OnnxInput[];
  /** Float32; shapes are inferred. */
  readonly outputs: readonly string[];
}

const IR_VERSION = 8;
const [FLOAT, UINT8, INT8, INT32, INT64] = [1, 2, 3, 6, 7];

export function writeOnnx(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, IR_VERSION);
  pbf.writeMessage(7, writeGraph, model);
  pbf.writeMessage(8, writeOpset, { domain: '', version: model.opset });
  const domains = new Set(model.nodes.flatMap(({ domain }) => (domain ? [domain] : [])));
  for (const domain of domains) pbf.writeMessage(8, writeOpset, { domain, version: 1 });
  return pbf.finish() as Uint8Array<ArrayBuffer>;
}

function writeOpset({ domain, version }: { domain: string; version: number }, pbf: PbfWriter): void {
  if (domain) pbf.writeStringField(1, domain);
  pbf.writeVarintField(2, version);
}

function writeGraph({ nodes, initializers, inputs, outputs }: OnnxModel, pbf: PbfWriter): void {
  for (const node of nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeStringField(2, 'network');
  for (const entry of initializers) pbf.writeMessage(5, writeTensor, entry);
  for (const input of inputs) pbf.writeMessage(11, writeValue, input);
  for (const name of outputs) pbf.writeMessage(12, writeValue, { name, dims: [] });
}

function writeNode({ op, domain, inputs, outputs, attributes }: OnnxNode, pbf: PbfWriter): void {
  for (const name of inputs) pbf.writeStringField(1, name);
  for (const name of outputs) pbf.writeStringField(2, name);
  pbf.writeStringField(3, `${op} of ${outputs[0]}`);
  pbf.writeStringField(4, op);
  for (const entry of Object.entries(attributes)) pbf.writeMessage(5, writeAttribute, entry);
  if (domain) pbf.writeStringField(7, domain);
}

/** A number is an int, a list ints; a float stands in `{float}`, a string in `{text}`. */
function writeAttribute([name, value]: [string, Attribute], pbf: PbfWriter): void {
  const types = { float: 1, int: 2, text: 3, ints: 7 };
  pbf.writeStringField(1, name);
  if (typeof value === 'number') {
    pbf.writeVarintField(3, value);
    pbf.writeVarintField(20, types.int);
  } else if ('float' in value) {
    pbf.writeFloatField(2, value.float);
    pbf.writeVarintField(20, types.float);
  } else if ('text' in value) {
    pbf.writeStringField(4, value.text);
    pbf.writeVarintField(20, types.text);
  } else {
    for (const number of value) pbf.writeVarintField(8, number);
    pbf.writeVarintField(20, types.ints);
  }
}

function writeTensor([name, { dims, values }]: [string, OnnxTensor], pbf: PbfWriter): void {
  for (const dim of dims) pbf.writeVarintField(1, dim);
  pbf.writeVarintField(2, typeOf(values));
  pbf.writeStringField(8, name);
  pbf.writeBytesField(9, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

function typeOf(values: Values): number {
  if (values instanceof Float32Array) return FLOAT;
  if (values instanceof BigInt64Array) return INT64;
  if (values instanceof Int32Array) return INT32;
  return values instanceof Int8Array ? INT8 : UINT8;
}

/** ValueInfoProto → TypeProto → Tensor → TensorShapeProto → Dimension; without dims the shape is inferred. */
function writeValue({ name, dims }: OnnxInput, pbf: PbfWriter): void {
  pbf.writeStringField(1, name);
  pbf.writeMessage(
    2,
    (_, type) => {
      type.writeMessage(
        1,
        (__, tensor) => {
          tensor.writeVarintField(1, FLOAT);
          if (dims.length > 0) tensor.writeMessage(2, writeShape, dims);
        },
        null,
      );
    },
    null,
  );
}

function writeShape(dims: OnnxInput['dims'], pbf: PbfWriter): void {
  for (const dim of dims) {
    pbf.writeMessage(
      1,
      (_, part) => (typeof dim === 'string' ? part.writeStringField(2, dim) : part.writeVarintField(1, dim)),
      null,
    );
  }
}
