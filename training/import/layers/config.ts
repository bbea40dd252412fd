import { GraphError, type Pair } from '../../graph/graph.ts';

export type Json = { readonly [key: string]: unknown };

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The configuration of a Keras layer, read with types: versions write one thing in several ways. */
export class Config {
  readonly #values: Json;
  readonly #layer: string;

  constructor(layer: string, values: unknown) {
    this.#layer = layer;
    this.#values = isObject(values) ? values : {};
  }

  fail(what: string): never {
    throw new GraphError(`Layer ${this.#layer} ${what}.`);
  }

  has(key: string): boolean {
    return this.#values[key] !== undefined && this.#values[key] !== null;
  }

  value(key: string): unknown {
    return this.#values[key] ?? undefined;
  }

  /** A number; Keras also writes one as `[n]`, or as an object that holds it in `config.value`. */
  number(key: string, otherwise: number): number {
    let value = this.value(key);
    if (Array.isArray(value) && value.length === 1) [value] = value;
    if (isObject(value) && isObject(value.config)) value = value.config.value;
    if (value === undefined) return otherwise;
    return typeof value === 'number' ? value : this.fail(`has no number as ${key}`);
  }

  /** One number, or one a channel. */
  numbers(key: string, otherwise: number): number[] {
    const value = this.value(key);
    if (Array.isArray(value) && value.every((item) => typeof item === 'number')) return value;
    return [this.number(key, otherwise)];
  }

  text(key: string, otherwise: string): string {
    const value = this.value(key) ?? otherwise;
    return typeof value === 'string' ? value : this.fail(`has no text as ${key}`);
  }

  flag(key: string, otherwise: boolean): boolean {
    return this.value(key) === undefined ? otherwise : this.value(key) === true;
  }

  /** Two positive integers, or one for both. */
  pair(key: string, otherwise?: number): Pair {
    const value = this.value(key) ?? otherwise;
    const [y, x] = Array.isArray(value) ? value : [value, value];
    if (Number.isInteger(y) && Number.isInteger(x) && y > 0 && x > 0 && !(Array.isArray(value) && value.length !== 2))
      return [y, x];
    return this.fail(`has no two sizes as ${key}; 2-D layers are read`);
  }

  /** Rows before and after, columns before and after: `n`, `[y, x]` or `[[top, bottom], [left, right]]`. */
  frame(key: string): readonly [top: number, bottom: number, left: number, right: number] {
    const value = this.value(key) ?? 0;
    const [rows, columns] = Array.isArray(value) ? value : [value, value];
    const sides = [rows, columns].flatMap((side) => (Array.isArray(side) ? side : [side, side]));
    const [top, bottom, left, right] = sides;
    if (sides.length !== 4 || !sides.every((side) => Number.isInteger(side) && side >= 0))
      this.fail(`has no four sizes as ${key}`);
    return [top, bottom, left, right];
  }

  /** Shape of an input, batch left out; null where a size is open. */
  inputShape(): (number | null)[] | null {
    const value = this.value('batch_input_shape') ?? this.value('batch_shape') ?? this.value('build_input_shape');
    const shape = Array.isArray(value) && Array.isArray(value[0]) && value.length === 1 ? value[0] : value;
    if (!Array.isArray(shape)) return null;
    return shape.slice(1).map((size: unknown) => (typeof size === 'number' ? size : null));
  }
}
