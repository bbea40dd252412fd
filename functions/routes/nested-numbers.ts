import { ServiceError } from '../errors.ts';

/**
 * Numbers nested in arrays, as JSON writes a tensor, in row-major order.
 * @param shape what each level has to hold, outermost first
 * @param pointer JSON pointer of `value`, named in errors
 * @throws ServiceError `bad-request` naming the first element at fault
 */
export function nestedNumbers(value: unknown, shape: readonly number[], pointer: string): Float32Array {
  const values = new Float32Array(shape.reduce((product, length) => product * length, 1));
  let at = 0;
  const read = (element: unknown, level: number, path: string): void => {
    const length = shape[level];
    if (length === undefined) {
      if (typeof element !== 'number') throw wrong(path, `is ${named(element)}, not a number`, shape);
      values[at++] = element;
      return;
    }
    if (!Array.isArray(element)) throw wrong(path, `is ${named(element)}, not ${length} elements`, shape);
    if (element.length !== length) throw wrong(path, `has ${element.length} elements, not ${length}`, shape);
    for (let i = 0; i < length; i++) read(element[i], level + 1, `${path}/${i}`);
  };
  read(value, 0, pointer);
  return values;
}

/**
 * The same where any nesting is allowed, flat as well: the Open Inference Protocol's tensor data.
 * @throws ServiceError `bad-request`
 */
export function flattenedNumbers(value: unknown, count: number, pointer: string): Float32Array {
  const values = new Float32Array(count);
  let at = 0;
  const read = (element: unknown, path: string): void => {
    if (Array.isArray(element)) {
      for (let i = 0; i < element.length; i++) read(element[i], `${path}/${i}`);
    } else if (typeof element !== 'number') {
      throw wrong(path, `is ${named(element)}, not a number`);
    } else if (at === count) {
      throw wrong(pointer, `has more than the ${count} elements of its shape`);
    } else {
      values[at++] = element;
    }
  };
  read(value, pointer);
  if (at < count) throw wrong(pointer, `has ${at} of the ${count} elements of its shape`);
  return values;
}

/** In words, for an error: never the value itself, which may be long. */
export function named(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Something at `pointer` is not as it should be. */
export function wrong(pointer: string, why: string, shape?: readonly number[]): ServiceError {
  return new ServiceError(
    'bad-request',
    `${pointer} ${why}.`,
    shape ? `One input is [${shape.join(', ')}], numbers; or a picture.` : 'See the metadata of the model.',
    { fields: [{ detail: why, pointer }] },
  );
}
