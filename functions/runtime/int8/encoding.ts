import { checkProgram, fail } from './check.ts';
import { fields, type Op, type OpKind, PROGRAM_VERSION, type Program } from './program.ts';

/**
 * A program as bytes, little-endian:
 *
 *     "I8PG" version height width channels outputOffset classes arenaBytes weightsBytes opCount     10 words
 *     for each op: kind, then its words in the order of `fields`
 *     for each op: length of its layer's name in bytes, the name in UTF-8                            1 byte + n
 */

const MAGIC = 0x47503849;
const HEADER_WORDS = 10;
const MAX_OPS = 4096;
const MAX_NAME_BYTES = 255;

/** Kinds by number: the order of `fields`. */
export const OP_KINDS = Object.keys(fields) as readonly OpKind[];

/** [name, i or f] of each word of a kind. */
const WORDS = Object.fromEntries(OP_KINDS.map((kind) => [kind, Object.entries(fields[kind])])) as unknown as Readonly<
  Record<OpKind, readonly (readonly [name: string, type: 'i' | 'f'])[]>
>;

/** Bytes of an op's record, in a file and in memory. */
export const recordBytes = (kind: OpKind): number => WORDS[kind].length * 4;

/** Words that are offsets in the block of weights, where they are integers. */
const IN_WEIGHTS: ReadonlySet<string> = new Set(['scale', 'bias', 'slope', 'weights', 'groupScales', 'table']);

/**
 * Writes the words of an op where a kernel (or the decoder) reads them.
 * @param base where the block of weights begins
 */
export function writeRecord(view: DataView, at: number, op: Op, base = 0): void {
  const values = op as unknown as Readonly<Record<string, number>>;
  WORDS[op.kind].forEach(([name, type], index) => {
    const value = values[name] ?? Number.NaN;
    if (type === 'f') view.setFloat32(at + index * 4, value, true);
    else view.setInt32(at + index * 4, IN_WEIGHTS.has(name) ? value + base : value, true);
  });
}

/** @throws Error naming the op where the program is one that `decodeProgram` would refuse. */
export function encodeProgram(program: Program): Uint8Array<ArrayBuffer> {
  checkProgram(program);
  const names = program.ops.map(({ layer }) => new TextEncoder().encode(layer).subarray(0, MAX_NAME_BYTES));
  const records = program.ops.reduce((sum, op) => sum + 4 + recordBytes(op.kind), HEADER_WORDS * 4);
  const bytes = new Uint8Array(names.reduce((sum, name) => sum + 1 + name.length, records));
  const view = new DataView(bytes.buffer);
  const { input, output, arenaBytes, weightsBytes, ops } = program;
  const header = [MAGIC, PROGRAM_VERSION, input.height, input.width, input.channels, output.offset, output.classes];
  [...header, arenaBytes, weightsBytes, ops.length].forEach((word, index) => {
    view.setInt32(index * 4, word, true);
  });
  let at = HEADER_WORDS * 4;
  for (const op of ops) {
    view.setInt32(at, OP_KINDS.indexOf(op.kind), true);
    writeRecord(view, at + 4, op);
    at += 4 + recordBytes(op.kind);
  }
  for (const name of names) {
    bytes[at] = name.length;
    bytes.set(name, at + 1);
    at += 1 + name.length;
  }
  return bytes;
}

/** @throws Error saying what is wrong, with the op's place and layer: an accepted program touches only its own memory. */
export function decodeProgram(bytes: Uint8Array): Program {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (count: number): number => {
    if (at + count > bytes.length) fail('program', 'ends too early');
    at += count;
    return at - count;
  };
  const int = (): number => view.getInt32(take(4), true);

  if (int() !== MAGIC) fail('program', 'is no integer program');
  const version = int();
  if (version !== PROGRAM_VERSION) fail('program', `has version ${version}, this engine reads ${PROGRAM_VERSION}`);
  const input = { height: int(), width: int(), channels: int() };
  const output = { offset: int(), classes: int() };
  const [arenaBytes, weightsBytes, count] = [int(), int(), int()];
  if (count < 1 || count > MAX_OPS) fail('program', `has ${count} ops, not 1 to ${MAX_OPS}`);
  const records = Array.from({ length: count }, (_, index) => {
    const kind = OP_KINDS[int()];
    if (kind === undefined) fail(`op ${index}`, 'is of a kind that this engine does not know');
    const words = WORDS[kind].map(([name, type]) => [name, type === 'f' ? view.getFloat32(take(4), true) : int()]);
    return { kind, ...Object.fromEntries(words) };
  });
  const ops = records.map((record) => {
    const length = bytes[take(1)] ?? 0;
    const name = take(length);
    return { ...record, layer: new TextDecoder().decode(bytes.subarray(name, name + length)) } as Op;
  });
  if (at !== bytes.length) fail('program', `has ${bytes.length - at} bytes too many`);
  const program = { input, output, arenaBytes, weightsBytes, ops };
  checkProgram(program);
  return program;
}
