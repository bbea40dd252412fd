import { PbfWriter } from 'pbf';

/** Writes ONNX files: the messages of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) that a network needs. */

export type Values = Float32Array | Uint8Array | Int8Array | Int32Array;
export type Attribute = number | readonly number[] | { readonly float: number };

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface OnnxTensor {
  readonly dims: readonly number[];
  readonly values: Values;
}

export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
  readonly input: { readonly name: string; readonly dims: readonly number[] };
  readonly output: string;
}

const [IR_VERSION, OPSET] = [8, 13];
const [FLOAT, UINT8, INT8, INT32] = [1, 2, 3, 6];

export function writeOnnx(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const pbf = new PbfWriter();
  pbf.writeVarintField(1, IR_VERSION);
  pbf.writeMessage(7, writeGraph, model);
  pbf.writeMessage(8, (version: number, opset) => opset.writeVarintField(2, version), OPSET);
  return pbf.finish() as Uint8Array<ArrayBuffer>;
}

function writeGraph({ nodes, initializers, input, output }: OnnxModel, pbf: PbfWriter): void {
  for (const node of nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeStringField(2, 'bench');
  for (const entry of initializers) pbf.writeMessage(5, writeTensor, entry);
  pbf.writeMessage(11, writeValue, input);
  pbf.writeMessage(12, writeValue, { name: output, dims: [] });
}

function writeNode({ op, inputs, output, attributes }: OnnxNode, pbf: PbfWriter): void {
  for (const name of inputs) pbf.writeStringField(1, name);
  pbf.writeStringField(2, output);
  pbf.writeStringField(3, `${op} of ${output}`);
  pbf.writeStringField(4, op);
  for (const entry of Object.entries(attributes)) pbf.writeMessage(5, writeAttribute, entry);
}

/** A number is an int, a list ints; a float stands in `{float}`. */
function writeAttribute([name, value]: [string, Attribute], pbf: PbfWriter): void {
  const types = { float: 1, int: 2, ints: 7 };
  pbf.writeStringField(1, name);
  if (typeof value === 'number') {
    pbf.writeVarintField(3, value);
    pbf.writeVarintField(20, types.int);
  } else if ('float' in value) {
    pbf.writeFloatField(2, value.float);
    pbf.writeVarintField(20, types.float);
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
  if (values instanceof Int32Array) return INT32;
  return values instanceof Int8Array ? INT8 : UINT8;
}

/** ValueInfoProto → TypeProto → Tensor → TensorShapeProto → Dimension; without dims the shape is inferred. */
function writeValue({ name, dims }: { name: string; dims: readonly number[] }, pbf: PbfWriter): void {
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

function writeShape(dims: readonly number[], pbf: PbfWriter): void {
  for (const dim of dims) pbf.writeMessage(1, (size: number, part) => part.writeVarintField(1, size), dim);
}
