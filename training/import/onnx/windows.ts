import type { Pads, Pair } from '../../graph/graph.ts';
import type { Feature } from './layout.ts';
import type { Step } from './step.ts';

interface Window {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly pads: Pads;
}

/** Conv: OIHW weights become HWIO. */
export function conv(step: Step): Feature {
  const input = step.map(0);
  const weights = step.constant(1);
  const [outputs = 0, perGroup = 0, high = 0, wide = 0] = weights.dims;
  const groups = step.int('group', 1);
  if (weights.dims.length !== 4) step.fail(`has weights of ${weights.dims.length} dimensions; 2-D networks only`);
  if (perGroup * groups !== input.shape[2])
    step.fail(`has weights for ${perGroup} · ${groups} channels, and its input has ${input.shape[2]}`);
  const taps = high * wide;
  const values = new Float32Array(weights.values.length);
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < perGroup; i++)
      for (let tap = 0; tap < taps; tap++)
        values[(tap * perGroup + i) * outputs + o] = weights.values[(o * perGroup + i) * taps + tap] ?? 0;
  const bias = step.constantOr(2);
  return step.emitMap(
    {
      op: 'conv',
      ...window(step, input, [high, wide]),
      groups,
      weights: values,
      bias: bias ? Float32Array.from(bias.values) : null,
    },
    [input],
  );
}

export function pool(step: Step, op: 'max-pool' | 'average-pool'): Feature {
  const input = step.map(0);
  const { kernel, strides, dilations, pads } = window(step, input, pair(step, 'kernel_shape'));
  if (dilations[0] !== 1 || dilations[1] !== 1) step.fail('is a pooling with dilations, which no engine here has');
  const ceil = step.int('ceil_mode', 0) === 1 && step.text('auto_pad', 'NOTSET') === 'NOTSET';
  const length = (axis: 0 | 1) => {
    const padded = input.shape[axis] + pads[axis] + pads[axis === 0 ? 2 : 3];
    const steps = (padded - kernel[axis]) / strides[axis];
    const count = (ceil ? Math.ceil(steps) : Math.floor(steps)) + 1;
    // A last window that would begin beyond the map and its padding before it is left out.
    return ceil && (count - 1) * strides[axis] >= input.shape[axis] + pads[axis] ? count - 1 : count;
  };
  const shared = { kernel, strides, pads, output: [length(0), length(1)] as const };
  if (op === 'max-pool') return step.emitMap({ op, ...shared }, [input]);
  return step.emitMap({ op, ...shared, countPads: step.int('count_include_pad', 0) === 1 }, [input]);
}

/** Maximum over the whole map. */
export function globalMaxPool(step: Step): Feature {
  const input = step.map(0);
  const [height, width] = input.shape;
  return step.emitMap(
    { op: 'max-pool', kernel: [height, width], strides: [1, 1], pads: [0, 0, 0, 0], output: [1, 1] },
    [input],
  );
}

function window(step: Step, input: Feature, kernel: Pair): Window {
  const strides = pair(step, 'strides', 1);
  const dilations = pair(step, 'dilations', 1);
  const given = step.ints('kernel_shape');
  if (given && (given[0] !== kernel[0] || given[1] !== kernel[1]))
    step.fail(`says kernel_shape [${given}] and has weights of [${kernel}]`);
  if ([...strides, ...dilations, ...kernel].some((value) => !(value >= 1)))
    step.fail('has a kernel, stride or dilation below 1');
  const auto = step.text('auto_pad', 'NOTSET');
  if (auto === 'NOTSET') {
    const pads = step.ints('pads') ?? [0, 0, 0, 0];
    const [top = 0, left = 0, bottom = 0, right = 0] = pads;
    if (pads.length !== 4 || pads.some((pad) => pad < 0))
      step.fail(`has the pads [${pads}]; four that are 0 or more are read`);
    return { kernel, strides, dilations, pads: [top, left, bottom, right] };
  }
  if (auto === 'VALID') return { kernel, strides, dilations, pads: [0, 0, 0, 0] };
  if (auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER') step.fail(`has auto_pad "${auto}"`);
  const around = (axis: 0 | 1): Pair => {
    const total = samePadding(input.shape[axis], kernel[axis], strides[axis], dilations[axis]);
    const less = Math.floor(total / 2);
    return auto === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
  };
  const [[top, bottom], [left, right]] = [around(0), around(1)];
  return { kernel, strides, dilations, pads: [top, left, bottom, right] };
}

/** What TensorFlow's `same` adds before and after together, so that the output has ceil(size / stride) positions. */
function samePadding(size: number, kernel: number, stride: number, dilation: number): number {
  return Math.max((Math.ceil(size / stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0);
}

function pair(step: Step, name: string, otherwise?: number): Pair {
  const values = step.ints(name);
  const [y, x] = values ?? [otherwise, otherwise];
  if (y === undefined || x === undefined || (values && values.length !== 2))
    step.fail(`has ${name} [${values ?? ''}]; two numbers are read, 2-D networks only`);
  return [y, x];
}
