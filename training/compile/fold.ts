import { type Graph, GraphError, type Node } from '../graph/graph.ts';
import {
  activationBeforeFlatten,
  clipAsHardSigmoid,
  clipBeforeConcat,
  clipBeforeMaxPool,
  clipOfClip,
  mulAsHardSwish,
} from './fold-activations.ts';
import {
  POINTWISE,
  scaleAfterMul,
  scaleShiftAfterReduction,
  scaleShiftAsDepthwise,
  scaleShiftIntoLinearAfter,
  scaleShiftIntoLinearBefore,
  scaleShiftOfNothing,
  scaleShiftTwice,
} from './fold-linear.ts';
import {
  averageOfAll,
  averageOfOne,
  flattenTwice,
  nothing,
  padIntoConv,
  padIntoPool,
  padTwice,
} from './fold-structure.ts';
import { inputOf, rewrite, viewOf } from './rewrite.ts';

/** In order: what joins two nodes first, then what moves one to where it may be joined. */
const RULES = [
  nothing,
  scaleShiftOfNothing,
  scaleShiftTwice,
  scaleShiftIntoLinearBefore,
  scaleShiftIntoLinearAfter,
  padTwice,
  padIntoConv,
  padIntoPool,
  averageOfAll,
  averageOfOne,
  flattenTwice,
  clipAsHardSigmoid,
  mulAsHardSwish,
  clipOfClip,
  scaleAfterMul,
  scaleShiftAfterReduction,
  clipBeforeMaxPool,
  clipBeforeConcat,
  activationBeforeFlatten,
];

/** The same function in fewer nodes: batch norms, pads and spelled-out activations go into their neighbours. */
export function fold(graph: Graph): Graph {
  return rewrite(graph, RULES);
}

/** Scale-shifts that found no neighbour become depthwise convolutions. */
export function foldRemainder(graph: Graph): Graph {
  return rewrite(graph, [scaleShiftAsDepthwise]);
}

/**
 * Takes a softmax off the end: the program gives logits, scores are computed from them.
 * @throws GraphError where a softmax stands elsewhere.
 */
export function dropSoftmax(graph: Graph): { graph: Graph; softmax: boolean } {
  const last = graph.nodes.find((node) => node.name === graph.output);
  const softmax = last?.op === 'softmax';
  const nodes = softmax ? graph.nodes.filter((node) => node !== last) : graph.nodes;
  const inner = nodes.find((node) => node.op === 'softmax');
  if (inner) {
    throw new GraphError(`Node "${inner.name}" is a softmax inside the network; only one at its end can be compiled.`);
  }
  return { graph: { ...graph, nodes, output: softmax ? inputOf(last) : graph.output }, softmax };
}

/**
 * Lets the network end in a layer that can give float32: behind anything else stands a depthwise 1x1 convolution by
 * one. A layout as a vector changes nothing at the end and goes.
 */
export function lowerOutput(graph: Graph): Graph {
  const last = graph.nodes.find((node) => node.name === graph.output);
  if (last?.op === 'flatten')
    return lowerOutput({ ...graph, nodes: graph.nodes.filter((node) => node !== last), output: inputOf(last) });
  const view = viewOf(graph);
  const inner = last?.op === 'activation' && last.activation.kind !== 'clip' ? view.producer(inputOf(last)) : last;
  const linear =
    inner?.op === 'conv' || inner?.op === 'dense' || (inner === last && last?.op === 'global-average-pool');
  const read = inner ? view.uses(inner.name) : 0;
  if (linear && read === 1 && view.uses(graph.output) === 1) return graph;
  const channels = view.shape(graph.output)[2];
  const name = `${graph.output}:float`;
  const node: Node = {
    name,
    inputs: [graph.output],
    op: 'conv',
    ...POINTWISE,
    groups: channels,
    weights: new Float32Array(channels).fill(1),
    bias: null,
  };
  return { ...graph, nodes: [...graph.nodes, node], output: name };
}
