import type { Activation } from '../../graph/graph.ts';
import type { LayerCall, Value } from './call.ts';
import { isObject, type Json } from './config.ts';

/** The layer `operation` makes, and after it the activation that its configuration names. */
export function activated(call: LayerCall, operation: (suffix: string) => Value): Value {
  const given = call.config.value('activation') ?? 'linear';
  const name = nameOf(given);
  if (name === 'linear') return operation('');
  return activate(call, name, isObject(given) && isObject(given.config) ? given.config : {}, operation('linear'));
}

/** The layer `Activation`, or a layer that is an activation by itself. */
export function activationLayer(call: LayerCall): Value {
  const given = call.config.value('activation') ?? 'linear';
  if (nameOf(given) === 'linear') return call.input;
  return activate(call, nameOf(given), isObject(given) && isObject(given.config) ? given.config : {}, call.input);
}

/** A layer that is one of the named activations. */
export const activateAs = (call: LayerCall, name: string): Value => activate(call, name, {}, call.input);

/** max(x, 0), with a slope below and a ceiling. */
export function reluLayer(call: LayerCall): Value {
  const high = call.config.number('max_value', Infinity);
  const slope = call.config.number('negative_slope', 0);
  if (call.config.number('threshold', 0) !== 0) call.fail('has a threshold, which no engine here has');
  if (slope === 0) return apply(call, { kind: 'clip', low: 0, high }, call.input);
  if (high !== Infinity) call.fail('has a negative slope and a maximum at once, which no engine here has');
  return apply(call, { kind: 'prelu', slope: Float32Array.of(slope) }, call.input);
}

export function leakyReluLayer(call: LayerCall): Value {
  const slope = call.config.number(call.config.has('negative_slope') ? 'negative_slope' : 'alpha', 0.3);
  return apply(call, { kind: 'prelu', slope: Float32Array.of(slope) }, call.input);
}

/** One slope a channel: `shared_axes` has to be the space. */
export function preluLayer(call: LayerCall): Value {
  const { shape, values } = call.weight('alpha');
  const channels = call.input.shape[2];
  if (values.length !== channels && values.length !== 1)
    call.fail(`has slopes [${shape}] that differ over space; share them over the axes 1 and 2`);
  return apply(call, { kind: 'prelu', slope: values }, call.input);
}

export function softmaxLayer(call: LayerCall): Value {
  return call.emit({ op: 'softmax' }, [softmaxInput(call, call.input)]);
}

function activate(call: LayerCall, name: string, options: Json, input: Value): Value {
  const number = (key: string, otherwise: number) => (typeof options[key] === 'number' ? options[key] : otherwise);
  switch (name) {
    case 'relu':
      return apply(call, { kind: 'clip', low: 0, high: number('max_value', Infinity) }, input);
    case 'relu6':
      return apply(call, { kind: 'clip', low: 0, high: 6 }, input);
    case 'leaky_relu':
      return apply(call, { kind: 'prelu', slope: Float32Array.of(number('negative_slope', 0.2)) }, input);
    case 'sigmoid':
      return apply(call, { kind: 'sigmoid' }, input);
    // Keras 3 took the line of MobileNetV3; Keras 2 and TF.js have Theano's.
    case 'hard_sigmoid':
      return apply(call, { kind: 'hard-sigmoid', alpha: call.version >= 3 ? 1 / 6 : 0.2, beta: 0.5 }, input);
    case 'hard_swish':
    case 'hard_silu':
      return apply(call, { kind: 'hard-swish' }, input);
    case 'swish':
    case 'silu':
      return call.emit({ op: 'mul' }, [input, apply(call, { kind: 'sigmoid' }, input, 'sigmoid')]);
    case 'softmax':
      return call.emit({ op: 'softmax' }, [softmaxInput(call, input)]);
    default:
      return call.fail(
        `has the activation "${name}", which no engine here has; there are relu, relu6, leaky_relu, sigmoid, hard_sigmoid, hard_swish, swish and softmax`,
      );
  }
}

function softmaxInput(call: LayerCall, input: Value): Value {
  const [height, width] = input.shape;
  if (input.rank === 3 && height * width > 1) call.fail('is a softmax over a map; one over a vector is read');
  return call.vector(input);
}

const apply = (call: LayerCall, activation: Activation, input: Value, suffix = ''): Value =>
  call.emit({ op: 'activation', activation }, [input], suffix);

/** `"relu"`, or an object of class and configuration, its class in CamelCase. */
function nameOf(given: unknown): string {
  if (typeof given === 'string') return given;
  if (!isObject(given)) return String(given);
  const name = typeof given.config === 'string' ? given.config : String(given.class_name);
  const known: Record<string, string> = { ReLU: 'relu', LeakyReLU: 'leaky_relu', Softmax: 'softmax', Linear: 'linear' };
  return known[name] ?? name;
}
