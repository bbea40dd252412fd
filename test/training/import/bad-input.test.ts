import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphError } from '../../../training/graph/graph.ts';
import { openModel } from '../../../training/import/open.ts';
import { shared } from '../../fixtures/shared.ts';
import { type TestModel, type TestNode, writeModel } from './onnx-writer.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bad-input-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function failure(file: string): Promise<string> {
  const error: unknown = await openModel(file).then(
    () => new Error('it was read'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(GraphError);
  return (error as Error).message;
}

async function onnx(bytes: Uint8Array): Promise<string> {
  const file = path.join(folder, 'bad.onnx');
  await writeFile(file, bytes);
  return file;
}

const weights = { dims: [2, 3, 1, 1], floats: [1, 2, 3, 4, 5, 6] };
const conv: TestNode = { op: 'Conv', inputs: ['x', 'w'], outputs: ['y'] };
const good: TestModel = { input: [1, 3, 4, 4], initializers: { w: weights }, nodes: [conv] };
const node = (op: string, inputs: string, output: string, attributes = {}): TestNode => ({
  op,
  inputs: inputs.split(' '),
  outputs: [output],
  attributes,
});

const BAD: Record<string, [model: TestModel, message: RegExp]> = {
  'an op that is not supported': [
    { ...good, nodes: [node('Einsum', 'x', 'y')] },
    /node "the Einsum of y" \(Einsum\) is an op that is not supported: replace it/,
  ],
  'an op of another domain': [
    { ...good, nodes: [{ ...conv, op: 'FusedConv', domain: 'com.microsoft' }] },
    /domain "com.microsoft"/,
  ],
  'a cycle': [
    { ...good, nodes: [node('Relu', 'b', 'a'), node('Add', 'a x', 'b'), node('Relu', 'b', 'y')] },
    /depends on its own output: the graph has a cycle/,
  ],
  'a node that reads itself': [{ ...good, nodes: [node('Relu', 'y', 'y')] }, /cycle/],
  'a value that nothing makes': [{ ...good, nodes: [node('Relu', 'nothing', 'y')] }, /"nothing", which nothing makes/],
  'two nodes that make one value': [
    { ...good, nodes: [node('Relu', 'x', 'y'), node('Relu', 'x', 'y')] },
    /Two ONNX nodes/,
  ],
  'NaN weights': [
    { ...good, initializers: { w: { ...weights, floats: [1, 2, Number.NaN, 4, 5, 6] } } },
    /"y" \(conv\): weights\[\d\] is NaN/,
  ],
  'shapes whose product overflows': [
    { ...good, initializers: { w: { dims: [2 ** 31, 2 ** 31, 3, 3], floats: [1] } } },
    /"w" has the shape .* more than any layer needs/,
  ],
  'an input whose product overflows': [{ ...good, input: [1, 3, 2 ** 31, 2 ** 31] }, /elements at most/],
  'fewer values than the shape says': [
    { ...good, initializers: { w: { dims: [2, 3, 3, 3], floats: [1] } } },
    /"w" has 4 bytes/,
  ],
  'weights that do not fit the channels': [
    { ...good, initializers: { w: { dims: [2, 5, 1, 1], floats: Array(10).fill(1) } } },
    /weights for 5 · 1 channels, and its input has 3/,
  ],
  'a kernel that is not there': [{ ...good, nodes: [node('Conv', 'x', 'y')] }, /lacks its input 1/],
  'a shuffle of channels': [
    {
      ...good,
      input: [1, 6, 4, 4],
      initializers: { s: { dims: [5], ints: [1, 2, 3, 4, 4] } },
      nodes: [node('Reshape', 'x s', 'y')],
    },
    /cuts the channels/,
  ],
  'a reshape that does not fit': [
    { ...good, initializers: { s: { dims: [2], ints: [1, 50] } }, nodes: [node('Reshape', 'x s', 'y')] },
    /reshapes \[1, 3, 4, 4\] to \[1, 50\]/,
  ],
  'an operator set that is too old': [{ ...good, opset: 7 }, /operator set 7; 9 to 21/],
  'a constant output': [{ ...good, nodes: [node('Identity', 'w', 'y')] }, /does not depend on the input/],
  'external data outside the folder': [
    { ...good, initializers: { w: { dims: [2, 3, 1, 1], external: { location: '../secret.bin' } } } },
    /outside the model's folder/,
  ],
  'external data with an absolute address': [
    { ...good, initializers: { w: { dims: [2, 3, 1, 1], external: { location: '/etc/passwd' } } } },
    /outside the model's folder/,
  ],
  'external data that is missing': [
    { ...good, initializers: { w: { dims: [2, 3, 1, 1], external: { location: 'missing.bin' } } } },
    /"missing.bin", which cannot be read/,
  ],
};

describe('an ONNX file is refused by name: ', () => {
  it.each(Object.entries(BAD))('%s', async (_, [model, message]) => {
    expect(await failure(await onnx(writeModel(model)))).toMatch(message);
  });

  it('cut off at any byte', async () => {
    const bytes = writeModel(good);
    await openModel(await onnx(bytes));
    for (let length = 0; length < bytes.length; length++) {
      // The last message names the operator set; a model without one is refused for that.
      expect(await failure(await onnx(bytes.subarray(0, length)))).toMatch(/truncated|no ONNX model|operator set/);
    }
  });

  it('with any byte changed, or read: never another kind of error', async () => {
    const bytes = writeModel(good);
    let read = 0;
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes, (value, i) => (i === at ? value ^ 0x55 : value));
      const error: unknown = await openModel(await onnx(changed)).catch((reason: unknown) => reason);
      if (error instanceof Error) expect(error, `byte ${at}: ${error.stack}`).toBeInstanceOf(GraphError);
      else read++;
    }
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(bytes.length);
  });

  it('whose external data is a link out of the folder, or too short', async () => {
    const external = (location: string) =>
      writeModel({ ...good, initializers: { w: { dims: [2, 3, 1, 1], external: { location } } } });
    const outside = await mkdtemp(path.join(tmpdir(), 'outside-'));
    await writeFile(path.join(outside, 'weights.bin'), new Uint8Array(24));
    await symlink(path.join(outside, 'weights.bin'), path.join(folder, 'link.bin'));
    expect(await failure(await onnx(external('link.bin')))).toMatch(/a link out of the model's folder/);
    await writeFile(path.join(folder, 'short.bin'), new Uint8Array(20));
    expect(await failure(await onnx(external('short.bin')))).toMatch(/20 bytes/);
    await writeFile(path.join(folder, 'whole.bin'), new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer));
    const { nodes } = await openModel(await onnx(external('whole.bin')));
    expect(nodes[0]?.op === 'conv' && [...nodes[0].weights]).toEqual([1, 4, 2, 5, 3, 6]);
    await rm(outside, { recursive: true });
  });
});

it('says which files are read', async () => {
  for (const name of ['model.pt', 'model.keras']) {
    await writeFile(path.join(folder, name), 'x');
    expect(await failure(path.join(folder, name))).toMatch(/no file that is read|Save it as HDF5/);
  }
  expect(await failure(path.join(folder, 'nowhere.onnx'))).toMatch(/is it there/);
});

it('refuses a size that the file contradicts', async () => {
  const file = await onnx(writeModel(good));
  await expect(openModel(file, { inputShape: [8, 8, 3] })).rejects.toThrow(
    /takes a picture \[4, 4, 3\], not \[8, 8, 3\]/,
  );
  const open = await onnx(writeModel({ ...good, input: ['n', 3, 'h', 'w'] }));
  expect((await openModel(open, { inputShape: [8, 6, 3] })).input.shape).toEqual([8, 6, 3]);
  const notices: string[] = [];
  expect((await openModel(open, { notice: (text) => notices.push(text) })).input.shape).toEqual([224, 224, 3]);
  expect(notices.join()).toMatch(/224x224 is assumed/);
});

const keras = shared('weights/fashion-cnn-keras3/model.h5');
it.skipIf(!keras)(`refuses damaged Keras files${keras ? '' : ' (skipped: FIXTURES_DIR has no weights)'}`, async () => {
  const bytes = await readFile(keras ?? '');
  const file = path.join(folder, 'bad.h5');
  for (const length of [0, 100, 5000, bytes.length >> 1, bytes.length - 1]) {
    await writeFile(file, bytes.subarray(0, length));
    expect(await failure(file)).toMatch(/truncated|damaged/);
  }
  const words = bytes.toString('latin1');
  const renamed = words.replaceAll('"class_name": "Flatten"', '"class_name": "Flotten"');
  await writeFile(file, renamed, 'latin1');
  expect(await failure(file)).toMatch(/Layer "flatten" \(Flotten\) is a layer that is not supported: replace it/);
});

const tfjs = shared('weights/teachable-machine-tfjs');
it.skipIf(!tfjs)(`refuses damaged TF.js models${tfjs ? '' : ' (skipped: FIXTURES_DIR has no weights)'}`, async () => {
  const copy = path.join(folder, 'tfjs');
  await cp(tfjs ?? '', copy, { recursive: true });
  const model = path.join(copy, 'model.json');
  const text = await readFile(model, 'utf8');
  const change = async (edit: (json: string) => string) => {
    await rm(model, { force: true });
    await writeFile(model, edit(text));
    return failure(model);
  };
  expect(await change((json) => json.slice(0, 1000))).toMatch(/no JSON/);
  expect(await change((json) => json.replace('"weights.bin"', '"../weights.bin"'))).toMatch(
    /outside the model's folder/,
  );
  expect(await change((json) => json.replace('"weights.bin"', '"gone.bin"'))).toMatch(/"gone.bin" cannot be read/);
  expect(await change(() => '{"format":"graph-model"}')).toMatch(/graph model; layers models are read/);
  expect(await change((json) => json.replaceAll('"ReLU"', '"GELU"'))).toMatch(
    /\(GELU\) is a layer that is not supported/,
  );
  await rm(path.join(copy, 'weights.bin'), { force: true });
  await writeFile(path.join(copy, 'weights.bin'), new Uint8Array(1000));
  expect(await change((json) => json)).toMatch(/ends beyond its file: the file is truncated/);
});
