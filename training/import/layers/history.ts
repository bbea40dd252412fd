import { isObject } from './config.ts';

/** What a use of a layer reads: the value of a use of another layer, or a number. */
export type Read = readonly [name: string, use: number] | number;

/**
 * The reads of a use of a layer, from its `inbound_nodes`: Keras 2 writes `[[["name", use, tensor, {}], …], …]`, one
 * list a use, and for an operator its second operand as `y` in the braces; Keras 3 `[{args: […], kwargs: {…}}, …]` with
 * the tensors anywhere in the arguments as `keras_history`.
 * @returns null where there is no such use.
 */
export function readsOf(inbound: unknown, use: number): Read[] | null {
  const node: unknown = Array.isArray(inbound) ? inbound[use] : undefined;
  if (isObject(node)) return arguments3(node.args);
  if (!Array.isArray(node)) return null;
  const list = typeof node[0] === 'string' ? [node] : node;
  return list.flatMap((item) => (Array.isArray(item) ? arguments2(item) : []));
}

function arguments2([name, use, tensor, options]: unknown[]): Read[] {
  const first: Read = name === '_CONSTANT_VALUE' ? Number(tensor) : [String(name), Number(use ?? 0)];
  const second = isObject(options) ? options.y : undefined;
  if (typeof second === 'number') return [first, second];
  return Array.isArray(second) ? [first, [String(second[0]), Number(second[1] ?? 0)]] : [first];
}

function arguments3(value: unknown): Read[] {
  if (typeof value === 'number') return [value];
  if (Array.isArray(value)) return value.flatMap(arguments3);
  if (!isObject(value)) return [];
  const history = isObject(value.config) ? value.config.keras_history : undefined;
  return Array.isArray(history) ? [[String(history[0]), Number(history[1] ?? 0)]] : [];
}
