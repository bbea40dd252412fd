import { channelDim, type Feature, laidOut } from './layout.ts';
import type { Step } from './step.ts';
import type { Constant } from './tensor.ts';

/** Gemm: alpha · A · B + beta · C, A the picture's and the others constants. */
export function gemm(step: Step): Feature {
  if (step.int('transA', 0) === 1) step.fail('transposes its picture side, which no engine here does');
  const input = step.feature(0);
  const alpha = step.float('alpha', 1);
  const beta = step.float('beta', 1);
  const transposed = step.int('transB', 0) === 1;
  const weights = step.constant(1);
  const outputs = weights.dims[transposed ? 0 : 1] ?? 0;
  const shift = step.constantOr(2);
  const bias =
    shift &&
    Float32Array.from({ length: outputs }, (_, i) => beta * (shift.values[shift.values.length === 1 ? 0 : i] ?? 0));
  if (shift && shift.values.length !== 1 && shift.values.length !== outputs)
    step.fail(`adds ${shift.values.length} values to ${outputs} outputs`);
  return dense(step, input, weights, transposed, alpha, bias ?? null);
}

/** MatMul of a vector with a matrix; of a map whose last dimension is its channels, a 1x1 convolution. */
export function matMul(step: Step): Feature {
  const input = step.feature(0);
  const weights = step.constant(1);
  if (weights.dims.length !== 2) step.fail(`multiplies by a constant [${weights.dims}]; a matrix is read`);
  if (input.axes.filter((list) => list.length > 0).length < 2) return dense(step, input, weights, false, 1, null);
  const last = input.dims.length - 1;
  if (channelDim(input) !== last || input.dims[last] !== weights.dims[0])
    step.fail(`multiplies [${input.dims}] by [${weights.dims}]; only the channels can be multiplied`);
  const { name, shape } = step.emit(
    {
      op: 'conv',
      kernel: [1, 1],
      strides: [1, 1],
      dilations: [1, 1],
      pads: [0, 0, 0, 0],
      groups: 1,
      weights: Float32Array.from(weights.values),
      bias: null,
    },
    [input],
  );
  return laidOut(name, shape, input.dims.with(last, shape[2]), input.axes);
}

function dense(
  step: Step,
  input: Feature,
  matrix: Constant,
  transposed: boolean,
  alpha: number,
  bias: Float32Array | null,
): Feature {
  const vector = step.vector(input);
  const [rows, outputs] = transposed ? [matrix.dims[1], matrix.dims[0]] : matrix.dims;
  if (matrix.dims.length !== 2 || rows === undefined || !outputs || rows !== vector.shape[2])
    step.fail(`multiplies [${input.dims}] by a matrix [${matrix.dims}]`);
  // Row i belongs to ONNX's element i, which lies at `order[i]` of the NHWC vector.
  const weights = new Float32Array(rows * outputs);
  for (let row = 0; row < rows; row++) {
    const to = (vector.order?.[row] ?? row) * outputs;
    for (let output = 0; output < outputs; output++)
      weights[to + output] = alpha * (matrix.values[transposed ? output * rows + row : row * outputs + output] ?? 0);
  }
  const { name, shape } = step.emit({ op: 'dense', weights, bias }, [vector]);
  const dims = input.dims.map((dim, i) => (i === input.dims.length - 1 ? outputs : dim === rows ? 1 : dim));
  return laidOut(
    name,
    shape,
    dims,
    dims.map((_, i) => (i === dims.length - 1 ? [2] : [])),
  );
}

/** Softmax over the channels of a vector. Before opset 13 it runs over all dimensions from `axis` on. */
export function softmax(step: Step): Feature {
  const input = step.feature(0);
  const old = step.opset < 13;
  const axis = step.axis(step.int('axis', old ? 1 : -1), input.dims.length);
  const covered = input.axes.every((list, i) => list.length === 0 || (old ? i >= axis : i === axis));
  if (!covered) step.fail(`runs over the dimension ${axis} of [${input.dims}]; only a whole vector is read`);
  const vector = step.vector(input);
  return step.emitAlike({ op: 'softmax' }, vector);
}

/** Means over both space axes are a global average; over one of them, a pool of its length. */
export function mean(step: Step, op: 'average-pool' | 'max-pool'): Feature {
  const input = step.feature(0);
  const rank = input.dims.length;
  const axes = (step.list('axes', 1) ?? input.dims.map((_, i) => i)).map((axis) => step.axis(axis, rank));
  const over = axes.flatMap((axis) => input.axes[axis] ?? []);
  if (over.includes(2)) step.fail(`reduces [${input.dims}] over its channels, which no engine here does`);
  const keep = step.int('keepdims', 1) === 1;
  const kernel = [over.includes(0) ? input.shape[0] : 1, over.includes(1) ? input.shape[1] : 1] as const;
  const output = [input.shape[0] / kernel[0], input.shape[1] / kernel[1]] as const;
  const window = { kernel, strides: [1, 1], pads: [0, 0, 0, 0], output } as const;
  const whole = output[0] === 1 && output[1] === 1;
  const { name, shape } = step.emit(
    op === 'max-pool'
      ? { op, ...window }
      : whole
        ? { op: 'global-average-pool' }
        : { op: 'average-pool', ...window, countPads: false },
    [input],
  );
  const left = input.dims.map((dim, i) => (axes.includes(i) ? 1 : dim));
  const kept = input.dims.flatMap((_, i) => (keep || !axes.includes(i) ? [i] : []));
  return laidOut(
    name,
    shape,
    kept.map((i) => left[i] ?? 1),
    kept.map((i) => input.axes[i] ?? []),
    input.order,
  );
}

export function globalAverage(step: Step): Feature {
  const input = step.map(0);
  return step.emitMap({ op: 'global-average-pool' }, [input]);
}

/** Local response normalization across channels. */
export function localResponse(step: Step): Feature {
  const [alpha, beta, k] = [step.float('alpha', 1e-4), step.float('beta', 0.75), step.float('bias', 1)];
  return step.emitAlike({ op: 'lrn', size: step.int('size', 1), alpha, beta, k }, step.map(0));
}
