import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PbfReader } from 'pbf';
import { GraphError } from '../graph/graph.ts';
import { type Weight, type WeightsFile, weight } from './weights-file.ts';

/** Field numbers of caffe.proto (https://github.com/BVLC/caffe/blob/master/src/caffe/proto/caffe.proto). */
const NET = { layersV1: 2, layers: 100 };
const LAYER = { name: 1, blobs: 7 };
const LAYER_V1 = { name: 4, blobs: 6 };
const BLOB = { legacy: [1, 2, 3, 4], data: 5, shape: 7 };
const WIRE_BYTES = 2;

/** The layers of a `.caffemodel` that hold numbers; what they compute is left to the architecture. */
export async function readCaffeWeights(file: string): Promise<WeightsFile> {
  const bytes = await readFile(file);
  const layers = new Map<string, readonly Weight[]>();
  try {
    message(new PbfReader(bytes), bytes.length, (field, pbf, end) => {
      if (field !== NET.layers && field !== NET.layersV1) return;
      const { name, weights } = readLayer(pbf, end(), field === NET.layers ? LAYER : LAYER_V1);
      if (weights.length > 0) layers.set(name, weights);
    });
  } catch (error) {
    if (error instanceof GraphError) throw error;
    throw new GraphError(`"${file}" is no whole .caffemodel: ${(error as Error).message}.`, { cause: error });
  }
  return { name: path.basename(file), layout: 'caffe', layers };
}

function readLayer(pbf: PbfReader, end: number, fields: { name: number; blobs: number }) {
  let name = '';
  const blobs: ((name: string) => Weight)[] = [];
  message(pbf, end, (field, _, until) => {
    if (field === fields.name) name = pbf.readString();
    else if (field === fields.blobs) blobs.push(readBlob(pbf, until()));
  });
  return { name, weights: blobs.map((blob) => blob(name)) };
}

/** Its shape is a message of its own, or in old files four numbers, ones before those that matter. */
function readBlob(pbf: PbfReader, end: number): (layer: string) => Weight {
  const legacy = [1, 1, 1, 1];
  const shape: number[] = [];
  const chunks: Uint8Array[] = [];
  message(pbf, end, (field, _, until) => {
    const axis = BLOB.legacy.indexOf(field);
    if (axis >= 0) legacy[axis] = pbf.readVarint();
    else if (field === BLOB.data) chunks.push(pbf.type === WIRE_BYTES ? pbf.readBytes() : readFixed(pbf));
    else if (field === BLOB.shape)
      message(pbf, until(), () => {
        if (pbf.type === WIRE_BYTES) pbf.readPackedVarint(shape);
        else shape.push(pbf.readVarint());
      });
  });
  const leading = legacy.findIndex((size) => size !== 1);
  // A copy, as floats stand in the file at any address.
  const { buffer, byteOffset, length } = chunks[1] ? Buffer.concat(chunks) : (chunks[0] ?? new Uint8Array());
  const values = new Float32Array(buffer.slice(byteOffset, byteOffset + length - (length % 4)));
  return (layer) => weight(layer, shape.length > 0 ? shape : legacy.slice(leading < 0 ? 3 : leading), values);
}

function readFixed(pbf: PbfReader): Uint8Array {
  pbf.pos += 4;
  return pbf.buf.subarray(pbf.pos - 4, pbf.pos);
}

/** @param read may read the field, or ask for the end of the message that it is; what it leaves is skipped */
function message(pbf: PbfReader, end: number, read: (field: number, pbf: PbfReader, end: () => number) => void): void {
  if (end > pbf.length) throw new Error(`it ends within a part of it, at byte ${pbf.length} of ${end}`);
  for (let field = pbf.nextField(end); field; field = pbf.nextField(end)) {
    read(field, pbf, () => pbf.readVarint() + pbf.pos);
  }
  if (pbf.pos !== end) throw new Error(`a part of it ends beyond its frame, at byte ${pbf.pos}`);
}
