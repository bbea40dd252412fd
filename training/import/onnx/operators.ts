import { activation, arithmetic, batchNormalization, clip, extremum, parametricRelu } from './elementwise.ts';
import type { Feature } from './layout.ts';
import { gemm, globalAverage, localResponse, matMul, mean, softmax } from './linear.ts';
import {
  concat,
  flattenDims,
  gather,
  pad,
  reshape,
  resolveDims,
  slice,
  split,
  squeezeDims,
  transpose,
  unsqueezeDims,
} from './rearrange.ts';
import type { Step, Value } from './step.ts';
import { integers } from './tensor.ts';
import { conv, globalMaxPool, pool } from './windows.ts';

/** ONNX ops on feature maps (https://onnx.ai/onnx/operators), each with what it becomes. */
const OPERATORS: Readonly<Record<string, (step: Step) => Value | Feature[]>> = {
  Conv: conv,
  Gemm: gemm,
  MatMul: matMul,
  BatchNormalization: batchNormalization,
  LRN: localResponse,
  Softmax: softmax,
  // Only as the last node (`graph.ts` sees to that): it lowers all logits by one number, and their softmax is the same.
  LogSoftmax: (step) => step.feature(0),

  Relu: (step) => activation(step, { kind: 'clip', low: 0, high: Infinity }),
  Clip: clip,
  Max: extremum,
  Min: extremum,
  LeakyRelu: (step) => activation(step, { kind: 'prelu', slope: Float32Array.of(step.float('alpha', 0.01)) }),
  PRelu: parametricRelu,
  Sigmoid: (step) => activation(step, { kind: 'sigmoid' }),
  HardSigmoid: (step) =>
    activation(step, { kind: 'hard-sigmoid', alpha: step.float('alpha', 0.2), beta: step.float('beta', 0.5) }),
  HardSwish: (step) => activation(step, { kind: 'hard-swish' }),
  Add: arithmetic,
  Sub: arithmetic,
  Mul: arithmetic,
  Div: arithmetic,

  MaxPool: (step) => pool(step, 'max-pool'),
  AveragePool: (step) => pool(step, 'average-pool'),
  GlobalAveragePool: globalAverage,
  GlobalMaxPool: globalMaxPool,
  ReduceMean: (step) => mean(step, 'average-pool'),
  ReduceMax: (step) => mean(step, 'max-pool'),

  Concat: concat,
  Pad: pad,
  Slice: slice,
  Gather: gather,
  Split: split,

  // What changes only the way ONNX sees a map.
  Identity: (step) => step.feature(0),
  Dropout: (step) => step.feature(0),
  Cast: (step) => step.feature(0),
  Reshape: (step) => {
    const input = step.feature(0);
    return reshape(step, input, resolveDims(step, step.list('shape', 1) ?? [], input.dims));
  },
  Flatten: (step) => reshape(step, step.feature(0), flattenDims(step, step.feature(0).dims)),
  Squeeze: (step) => reshape(step, step.feature(0), squeezeDims(step, step.feature(0).dims)),
  Unsqueeze: (step) => reshape(step, step.feature(0), unsqueezeDims(step, step.feature(0).dims)),
  Transpose: (step) => transpose(step, step.feature(0)),
  Shape: (step) => {
    const dims = step.value(0)?.dims ?? [];
    return integers(dims.slice(step.int('start', 0), step.node.attributes.get('end')?.int));
  },
};

/** What a user can do about an op that is not among these. */
const ADVICE: Readonly<Record<string, string>> = {
  LayerNormalization: 'transformers are not run here; use a convolutional network',
  Resize: 'resizing inside a network is not run here; export it for a fixed input size',
  If: 'export the network with fixed shapes, so that no branch is left',
  Loop: 'export the network with fixed shapes, so that no loop is left',
  QuantizeLinear: 'export the float network: it is quantized here',
  QLinearConv: 'export the float network: it is quantized here',
  ConvInteger: 'export the float network: it is quantized here',
};

/** @returns the values of the node's outputs, in order; those after the first that are missing here cannot be read. */
export function translate(step: Step): Value[] {
  const { op, domain } = step.node;
  const own = domain === '' || domain === 'ai.onnx';
  const operator = own && Object.hasOwn(OPERATORS, op) ? OPERATORS[op] : undefined;
  if (!operator) {
    const advice = ADVICE[op] ?? `replace it in the network by ops that are: ${Object.keys(OPERATORS).join(', ')}`;
    step.fail(`is an op${own ? '' : ` of the domain "${domain}"`} that is not supported: ${advice}`);
  }
  const result = operator(step);
  return Array.isArray(result) ? result : [result];
}
