import { type QuantizedGraph, type QuantizedLayer, valueIn, type Window } from './quantized-graph.ts';

/** Arena offset and bytes from pixel to pixel. */
export interface Place {
  readonly offset: number;
  readonly stride: number;
}

/** Takes the parts of the block of weights; each is made only where it is kept. Both give the offset of the part. */
export interface Block {
  add(bytes: number, part: () => Int8Array | Uint8Array | Uint16Array | Float32Array): number;
  /** float32, one a channel. */
  addPerChannel(channels: number, value: (c: number) => number): number;
}

/** Where an op finds its tensors, and where its weights go. */
export interface Emission {
  readonly places: ReadonlyMap<string, Place>;
  readonly block: Block;
  readonly scratch: number;
}

export function placeIn(places: ReadonlyMap<string, Place>, name: string | undefined): Place {
  const place = places.get(name ?? '');
  if (!place) throw new Error(`"${name}" has no place`);
  return place;
}

/** The first ten words of an op; `input` is which of the layer's inputs it reads. */
export function tensors(graph: QuantizedGraph, layer: QuantizedLayer, { places }: Emission, input = 0) {
  const name = layer.inputs[input];
  const [from, to] = [valueIn(graph, name).shape, valueIn(graph, layer.name).shape];
  const [source, target] = [placeIn(places, name), placeIn(places, layer.name)];
  return {
    layer: layer.name,
    input: source.offset,
    inputHeight: from[0],
    inputWidth: from[1],
    inputChannels: from[2],
    inputStride: source.stride,
    output: target.offset,
    outputHeight: to[0],
    outputWidth: to[1],
    outputChannels: to[2],
    outputStride: target.stride,
  };
}

export function windowFields({ kernel, strides, pads }: Pick<Window, 'kernel' | 'strides' | 'pads'>) {
  return {
    kernelHeight: kernel[0],
    kernelWidth: kernel[1],
    strideY: strides[0],
    strideX: strides[1],
    padTop: pads[0],
    padLeft: pads[1],
  };
}
