import { activateAs } from './activation.ts';
import type { LayerCall, Value } from './call.ts';

/** Sum of two or more. */
export function add(call: LayerCall): Value {
  const number = constantOf(call);
  if (number !== null) return scaled(call, call.input, [1], [number]);
  return pairwise(call, (a, b, suffix) => call.emit({ op: 'add' }, [a, b], suffix));
}

/** Product of two or more; one may hold one number a channel, in either place. */
export function multiply(call: LayerCall): Value {
  const number = constantOf(call);
  if (number !== null) return scaled(call, call.input, [number], [0]);
  return pairwise(call, (a, b, suffix) => {
    const [height, width] = a.shape;
    const gate = height === 1 && width === 1 && b.shape[0] * b.shape[1] > 1;
    return call.emit({ op: 'mul' }, gate ? [b, a] : [a, b], suffix);
  });
}

export function subtract(call: LayerCall): Value {
  const [first, second] = call.operands;
  if (typeof first === 'number') return scaled(call, call.input, [-1], [first]);
  if (typeof second === 'number') return scaled(call, call.input, [1], [-second]);
  if (!first || !second) return call.fail('takes two inputs');
  return call.emit({ op: 'add' }, [first, scaled(call, second, [-1], [0], 'negative')]);
}

export function average(call: LayerCall): Value {
  const sum = pairwise(call, (a, b, suffix) => call.emit({ op: 'add' }, [a, b], suffix || 'sum'));
  return scaled(call, sum, [1 / call.inputs.length], [0]);
}

export function divide(call: LayerCall): Value {
  const divisor = call.operands[1];
  if (typeof divisor !== 'number') return call.fail('divides by a feature map, which no engine here does');
  return scaled(call, call.input, [1 / divisor], [0]);
}

/** `TFOpLambda`: a function of TensorFlow that stands in a Keras 2 network as a layer. */
export function tensorFlowOp(call: LayerCall): Value {
  const name = call.config.text('function', '');
  switch (name) {
    case '__operators__.add':
    case 'math.add':
      return add(call);
    case 'math.multiply':
      return multiply(call);
    case 'math.subtract':
      return subtract(call);
    case 'math.truediv':
    case 'math.divide':
      return divide(call);
    case 'nn.relu':
    case 'nn.relu6':
    case 'nn.silu':
    case 'nn.swish':
    case 'math.sigmoid':
      return activateAs(call, name.replace(/^\w+\./, ''));
    default:
      return call.fail(`is the TensorFlow function "${name}", which is not supported: write the network with layers`);
  }
}

export function scaled(
  call: LayerCall,
  input: Value,
  scale: readonly number[],
  shift: readonly number[],
  suffix = '',
): Value {
  const numbers = { scale: Float32Array.from(scale), shift: Float32Array.from(shift) };
  return call.emit({ op: 'scale-shift', ...numbers }, [input], suffix);
}

/** The number among two operands, or null. */
function constantOf({ operands }: LayerCall): number | null {
  const number = operands.length === 2 ? operands.find((operand) => typeof operand === 'number') : undefined;
  return typeof number === 'number' ? number : null;
}

function pairwise(call: LayerCall, join: (a: Value, b: Value, suffix: string) => Value): Value {
  const [first, ...others] = call.inputs;
  if (!first || others.length === 0) return call.fail('takes two inputs or more');
  return others.reduce<Value>((sum, value, i) => join(sum, value, i === others.length - 1 ? '' : `${i}`), first);
}
