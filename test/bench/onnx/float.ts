import type { Graph } from '../../../training/graph/graph.ts';
import { writeOnnx } from '../../../training/onnx/write.ts';
import { OnnxNetwork, spell } from './network.ts';

/** A folded graph as an ONNX file in float32; onnxruntime itself puts activations and additions into convolutions. */
export function floatModel(graph: Graph): Uint8Array<ArrayBuffer> {
  const network = new OnnxNetwork();
  spell(
    graph,
    network,
    {
      read: (name) => name,
      weights: (node, values, dims) => network.constant(`${node}:weights`, values, dims),
      bias: (node, values) => network.constant(`${node}:bias`, values, [values.length]),
      write: (name, emit) => emit(name),
      move: (name, inputs, emit) => emit(inputs, name),
    },
    () => false,
  );
  return writeOnnx(network.model(graph, graph.output));
}
