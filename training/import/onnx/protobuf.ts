import { PbfReader } from 'pbf';
import { GraphError } from '../../graph/graph.ts';

/** The messages of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) that a network needs. */

export interface OnnxModel {
  /** Version of the default operator set. */
  readonly opset: number;
  readonly graph: OnnxGraph;
}

export interface OnnxGraph {
  readonly nodes: OnnxNode[];
  readonly initializers: OnnxTensor[];
  readonly inputs: OnnxValueInfo[];
  readonly outputs: OnnxValueInfo[];
}

export interface OnnxNode {
  name: string;
  op: string;
  domain: string;
  readonly inputs: string[];
  readonly outputs: string[];
  readonly attributes: Map<string, OnnxAttribute>;
}

export interface OnnxAttribute {
  name: string;
  float?: number;
  int?: number;
  text?: string;
  tensor?: OnnxTensor;
  readonly floats: number[];
  readonly ints: number[];
  hasGraph: boolean;
}

export interface OnnxTensor {
  name: string;
  readonly dims: number[];
  /** TensorProto.DataType */
  type: number;
  /** Little-endian values, or null where they stand in `numbers` or in another file. */
  raw: Uint8Array | null;
  readonly numbers: number[];
  /** Keys `location`, `offset`, `length` of a tensor that lies in another file. */
  readonly external: Map<string, string>;
}

export interface OnnxValueInfo {
  name: string;
  /** A size, or null where it is dynamic; null as a whole where the rank is not given. */
  dims: (number | null)[] | null;
}

/** @throws GraphError where the bytes are no whole ONNX model. */
export function readModel(bytes: Uint8Array): OnnxModel {
  const pbf = new PbfReader(bytes);
  const opsets = new Map<string, number>();
  let graph: OnnxGraph | undefined;
  try {
    fields(pbf, pbf.length, (field) => {
      if (field === 7) graph = message(pbf, readGraph);
      else if (field === 8) message(pbf, (end) => readOpset(pbf, end, opsets));
    });
  } catch (error) {
    if (error instanceof GraphError) throw error;
    throw damaged(pbf, error instanceof Error ? error.message : String(error));
  }
  if (!graph) throw new GraphError('The file is no ONNX model: it has no graph. Export the network as .onnx again.');
  return { graph, opset: opsets.get('') ?? opsets.get('ai.onnx') ?? 1 };

  function readGraph(end: number): OnnxGraph {
    const result: OnnxGraph = { nodes: [], initializers: [], inputs: [], outputs: [] };
    fields(pbf, end, (field) => {
      if (field === 1) result.nodes.push(message(pbf, (until) => readNode(pbf, until)));
      else if (field === 5) result.initializers.push(message(pbf, (until) => readTensor(pbf, until)));
      else if (field === 11) result.inputs.push(message(pbf, (until) => readValueInfo(pbf, until)));
      else if (field === 12) result.outputs.push(message(pbf, (until) => readValueInfo(pbf, until)));
      else if (field === 15) throw new GraphError('The network has sparse weights. Export it with dense ones.');
    });
    return result;
  }
}

function readOpset(pbf: PbfReader, end: number, opsets: Map<string, number>): void {
  let domain = '';
  let version = 0;
  fields(pbf, end, (field) => {
    if (field === 1) domain = pbf.readString();
    else if (field === 2) version = pbf.readVarint();
  });
  opsets.set(domain, version);
}

function readNode(pbf: PbfReader, end: number): OnnxNode {
  const node: OnnxNode = { name: '', op: '', domain: '', inputs: [], outputs: [], attributes: new Map() };
  fields(pbf, end, (field) => {
    if (field === 1) node.inputs.push(pbf.readString());
    else if (field === 2) node.outputs.push(pbf.readString());
    else if (field === 3) node.name = pbf.readString();
    else if (field === 4) node.op = pbf.readString();
    else if (field === 5) {
      const attribute = message(pbf, (until) => readAttribute(pbf, until));
      node.attributes.set(attribute.name, attribute);
    } else if (field === 7) node.domain = pbf.readString();
  });
  return node;
}

function readAttribute(pbf: PbfReader, end: number): OnnxAttribute {
  const attribute: OnnxAttribute = { name: '', floats: [], ints: [], hasGraph: false };
  fields(pbf, end, (field) => {
    if (field === 1) attribute.name = pbf.readString();
    else if (field === 2) attribute.float = pbf.readFloat();
    else if (field === 3) attribute.int = pbf.readVarint(true);
    else if (field === 4) attribute.text = pbf.readString();
    else if (field === 5) attribute.tensor = message(pbf, (until) => readTensor(pbf, until));
    else if (field === 6) attribute.hasGraph = true;
    else if (field === 7) repeated(pbf, 5, attribute.floats, () => pbf.readFloat());
    else if (field === 8) repeated(pbf, 0, attribute.ints, () => pbf.readVarint(true));
  });
  return attribute;
}

function readTensor(pbf: PbfReader, end: number): OnnxTensor {
  const tensor: OnnxTensor = { name: '', dims: [], type: 0, raw: null, numbers: [], external: new Map() };
  fields(pbf, end, (field) => {
    if (field === 1) repeated(pbf, 0, tensor.dims, () => pbf.readVarint(true));
    else if (field === 2) tensor.type = pbf.readVarint();
    else if (field === 4) repeated(pbf, 5, tensor.numbers, () => pbf.readFloat());
    else if (field === 5 || field === 7) repeated(pbf, 0, tensor.numbers, () => pbf.readVarint(true));
    else if (field === 8) tensor.name = pbf.readString();
    else if (field === 9) tensor.raw = pbf.readBytes();
    else if (field === 10) repeated(pbf, 1, tensor.numbers, () => pbf.readDouble());
    else if (field === 11) repeated(pbf, 0, tensor.numbers, () => pbf.readVarint());
    else if (field === 13) {
      let [key, value] = ['', ''];
      message(pbf, (until) =>
        fields(pbf, until, (part) => {
          if (part === 1) key = pbf.readString();
          else if (part === 2) value = pbf.readString();
        }),
      );
      tensor.external.set(key, value);
    }
  });
  return tensor;
}

/** ValueInfoProto → TypeProto → Tensor → TensorShapeProto → Dimension, each the first field that matters. */
function readValueInfo(pbf: PbfReader, end: number): OnnxValueInfo {
  const info: OnnxValueInfo = { name: '', dims: null };
  const inside = (number: number, read: (end: number) => void) => (until: number) =>
    fields(pbf, until, (field) => {
      if (field === number) message(pbf, read);
    });
  const dimension = (until: number) => {
    let size: number | null = null;
    fields(pbf, until, (field) => {
      if (field === 1) size = pbf.readVarint(true);
    });
    info.dims = [...(info.dims ?? []), size !== null && size > 0 ? size : null];
  };
  fields(pbf, end, (field) => {
    if (field === 1) info.name = pbf.readString();
    else if (field === 2) message(pbf, inside(1, inside(2, inside(1, dimension))));
  });
  return info;
}

/** Calls back at each field of a message and refuses one that ends past it. */
function fields(pbf: PbfReader, end: number, read: (field: number) => void): void {
  if (end > pbf.length) throw damaged(pbf, 'a part of it ends beyond the file');
  for (let field = pbf.nextField(end); field; field = pbf.nextField(end)) read(field);
  if (pbf.pos !== end) throw damaged(pbf, 'a part of it ends beyond its frame');
}

function message<T>(pbf: PbfReader, read: (end: number) => T): T {
  return read(pbf.readVarint() + pbf.pos);
}

/** A repeated number, packed or one a field. */
function repeated(pbf: PbfReader, wireType: number, into: number[], read: () => number): void {
  if (pbf.type === wireType) {
    into.push(read());
    return;
  }
  const end = pbf.readVarint() + pbf.pos;
  if (end > pbf.length) throw damaged(pbf, 'a list ends beyond the file');
  while (pbf.pos < end) into.push(read());
}

function damaged(pbf: PbfReader, why: string): GraphError {
  return new GraphError(`The ONNX file is truncated or damaged near byte ${pbf.pos} of ${pbf.length}: ${why}.`);
}
