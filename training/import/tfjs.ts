import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Graph, GraphError, type Shape } from '../graph/graph.ts';
import type { Weight } from './layers/call.ts';
import { isObject, type Json } from './layers/config.ts';
import { importLayers } from './layers/model.ts';
import { LayerIndex } from './layers/weights.ts';

/** Bytes a value and how one is read. */
const TYPES: Readonly<Record<string, readonly [bytes: number, read: (view: DataView, at: number) => number]>> = {
  float32: [4, (view, at) => view.getFloat32(at, true)],
  int32: [4, (view, at) => view.getInt32(at, true)],
  uint16: [2, (view, at) => view.getUint16(at, true)],
  uint8: [1, (view, at) => view.getUint8(at)],
  bool: [1, (view, at) => view.getUint8(at)],
};

/**
 * A TF.js layers model: `model.json` beside its weight files, as the converter, `model.save` in TF.js and Teachable
 * Machine write it; weights as float32, or as uint8 or uint16 with a scale.
 * @param inputShape where the file leaves it open.
 */
export async function importTfjs(
  file: string,
  inputShape: Shape | null,
  notice: (text: string) => void,
): Promise<Graph> {
  const json = parse(await readFile(file, 'utf8'), file);
  if (json.format === 'graph-model' || (isObject(json.modelTopology) && Array.isArray(json.modelTopology.node)))
    throw new GraphError(
      `"${file}" is a TF.js graph model; layers models are read. Bring the Keras .h5 or an .onnx that it was made from.`,
    );
  const topology = isObject(json.modelTopology) ? json.modelTopology : json;
  const config = isObject(topology.model_config) ? topology.model_config : topology;
  const index = new LayerIndex();
  for (const group of listOf(json.weightsManifest)) await readGroup(group, path.dirname(file), index);
  return importLayers({ topology: config, version: 2, inputShape, notice, weights: (names) => index.of(names) });
}

function parse(text: string, file: string): Json {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new GraphError(`"${file}" is no JSON: it is truncated or damaged.`, { cause: error });
  }
  if (!isObject(json)) throw new GraphError(`"${file}" is no TF.js model.`);
  return json;
}

/** Weights of one group lie one after the other in its files, which are pieces of one array. */
async function readGroup(group: Json, folder: string, index: LayerIndex): Promise<void> {
  const names = Array.isArray(group.paths) ? group.paths.map(String) : [];
  const files = await Promise.all(names.map((name) => readShard(name, folder)));
  const bytes = Buffer.concat(files);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (const entry of listOf(group.weights)) {
    const { weight, end } = readWeight(entry, view, at);
    index.add(String(entry.name), weight);
    at = end;
  }
  if (at !== bytes.length)
    throw new GraphError(
      `The weight files ${names.join(', ')} have ${bytes.length} bytes, and the model takes ${at}: they are damaged or another model's.`,
    );
}

async function readShard(name: string, folder: string): Promise<Buffer> {
  if (path.isAbsolute(name) || path.win32.isAbsolute(name) || name.split(/[\\/]/).includes('..'))
    throw new GraphError(`The weight file "${name}" is outside the model's folder; weights are read from there only.`);
  try {
    return await readFile(path.join(folder, name));
  } catch (error) {
    throw new GraphError(`The weight file "${name}" cannot be read: put it beside model.json.`, { cause: error });
  }
}

function readWeight(entry: Json, view: DataView, at: number): { weight: Weight; end: number } {
  const name = String(entry.name);
  const quantization = isObject(entry.quantization) ? entry.quantization : null;
  const type = String(quantization?.dtype ?? entry.dtype);
  const [bytes, read] = TYPES[type] ?? [];
  if (!bytes || !read)
    throw new GraphError(
      `The weight "${name}" has the type "${type}", which is not read. Convert the model with float32 weights.`,
    );
  const shape = Array.isArray(entry.shape) ? entry.shape.map(Number) : [];
  const count = shape.reduce((a, b) => a * b, 1);
  const end = at + count * bytes;
  if (!Number.isSafeInteger(count) || count < 0 || end > view.byteLength)
    throw new GraphError(`The weight "${name}" [${shape}] ends beyond its file: the file is truncated.`);
  const scale = Number(quantization?.scale ?? 1);
  const least = Number(quantization?.min ?? 0);
  const values = Float32Array.from({ length: count }, (_, i) => read(view, at + i * bytes) * scale + least);
  return { weight: { shape, values }, end };
}

const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
