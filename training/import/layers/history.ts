import { isObject } from './config.ts';

/**
 * What a use of a layer reads, from its `inbound_nodes`: Keras 2 writes `[[["name", use, tensor, {}], …], …]`, one
 * list a use; Keras 3 `[{args: […], kwargs: {…}}, …]` with the tensors anywhere in them as `keras_history`.
 * @returns null where there is no such use.
 */
export function historiesOf(inbound: unknown, use: number): [name: string, use: number][] | null {
  const node: unknown = Array.isArray(inbound) ? inbound[use] : undefined;
  if (isObject(node)) return found(node.args);
  if (!Array.isArray(node)) return null;
  const list = typeof node[0] === 'string' ? [node] : node;
  return list.flatMap((item) => (Array.isArray(item) ? [[String(item[0]), Number(item[1] ?? 0)]] : []));
}

function found(value: unknown): [name: string, use: number][] {
  if (Array.isArray(value)) return value.flatMap(found);
  if (!isObject(value)) return [];
  const history = isObject(value.config) ? value.config.keras_history : undefined;
  return Array.isArray(history) ? [[String(history[0]), Number(history[1] ?? 0)]] : [];
}
