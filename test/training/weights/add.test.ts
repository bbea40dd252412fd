import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import h5wasm from 'h5wasm/node';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { manifestSchema } from '../../../functions/catalogue/manifest.ts';
import { addModel } from '../../../training/models.ts';
import { OFFICIAL, type OfficialWeights } from '../../../training/weights/official.ts';
import { type FlakyServer, sendRange, serve } from '../data/flaky-server.ts';
import { writeModel } from '../import/onnx-writer.ts';

const noise = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, at) => Math.sin(1 + at * 12.9898 + seed * 78.233) / 2);

/** 8x8 pictures, one convolution and one dense layer. */
function network(classes: number): Uint8Array {
  return writeModel({
    input: [1, 3, 8, 8],
    nodes: [
      { op: 'Conv', inputs: ['x', 'w', 'b'], outputs: ['c'] },
      { op: 'Relu', inputs: ['c'], outputs: ['r'] },
      { op: 'GlobalAveragePool', inputs: ['r'], outputs: ['p'] },
      { op: 'Flatten', inputs: ['p'], outputs: ['f'] },
      { op: 'Gemm', inputs: ['f', 'd', 'e'], outputs: ['y'], attributes: { transB: 1 } },
    ],
    initializers: {
      w: { dims: [8, 3, 3, 3], floats: noise(216, 1) },
      b: { dims: [8], floats: noise(8, 2) },
      d: { dims: [classes, 8], floats: noise(classes * 8, 3) },
      e: { dims: [classes], floats: noise(classes, 4) },
    },
  });
}

let folder: string;
let pictures: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'add-'));
  pictures = path.join(folder, 'pictures');
  await mkdir(pictures);
  for (let index = 0; index < 12; index++) {
    const pixels = noise(16 * 16 * 3, index).map((value) => 127 + 200 * value * Math.sin(index));
    await sharp(Uint8Array.from(pixels), { raw: { width: 16, height: 16, channels: 3 } })
      .png()
      .toFile(path.join(pictures, `${index}.png`));
  }
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await rm('build/reports/test-net', { recursive: true, force: true });
});

let server: FlakyServer | undefined;
let served: Uint8Array;
let said: string[];
let models: string;
beforeEach(async () => {
  said = [];
  models = await mkdtemp(path.join(folder, 'models-'));
  server = await serve((request, response) => sendRange(served, request, response));
});
afterEach(() => server?.close());

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
function add(file: Uint8Array, about: Partial<OfficialWeights>, ...args: string[]) {
  served = file;
  const official: OfficialWeights = {
    title: 'A small network',
    licence: 'MIT (nobody)',
    file: 'net.onnx',
    addresses: [`${server?.address}net.onnx`],
    bytes: null,
    hash: { algorithm: 'sha256', value: sha256(file), statedBy: 'this test', verified: false },
    feeding: { preset: 'imagenet-torch' },
    network: null,
    unreadable: null,
    ...about,
  };
  const supply = {
    official: new Map([['test-net', official]]),
    cache: path.join(models, '../cache', path.basename(models)),
    say: (text: string) => void said.push(text),
  };
  return addModel('test-net', [...args, '--out', path.join(models, 'test-net'), '--min-agreement', '0'], supply);
}
const calibrate = () => ['--calibrate', pictures];
const installed = async () =>
  manifestSchema.parse(JSON.parse(await readFile(path.join(models, 'test-net/manifest.json'), 'utf8')));

describe('models add', () => {
  it('downloads, compiles and publishes with what the table says', async () => {
    const file = network(1000);
    await add(file, {}, ...calibrate());
    const manifest = await installed();
    expect(manifest).toMatchObject({ id: 'test-net', title: 'A small network', classes: 1000, runtime: 'int8' });
    expect(manifest.input).toMatchObject({ channels: 'rgb', resize: { rule: 'shorter-side', filter: 'bilinear' } });
    expect(manifest.provenance).toMatchObject({
      licence: 'MIT (nobody)',
      source: `${server?.address}net.onnx, sha256 ${sha256(file)}`,
    });
    expect(JSON.parse(await readFile(path.join(models, 'test-net/labels.json'), 'utf8'))[207]).toEqual({
      label: 'golden_retriever',
      synset: 'n02099601',
    });
    expect(said).toEqual([expect.stringMatching(/unverified/)]);
  });

  it('lets the command line decide over the table', async () => {
    const labels = path.join(folder, 'labels.txt');
    await writeFile(labels, 'cat\ndog\n');
    await add(network(2), {}, ...calibrate(), '--channels', 'bgr', '--labels', labels, '--title', 'Pets');
    const manifest = await installed();
    expect(manifest).toMatchObject({ title: 'Pets', classes: 2, input: { channels: 'bgr', scale: [1] } });
  });

  it('takes a file of the user: its licence is not that of the official one, unless it is that one', async () => {
    const from = path.join(folder, 'mine.onnx');
    await writeFile(from, network(1000));
    await add(network(2), {}, '--from', from, ...calibrate());
    expect(server?.requests).toHaveLength(0);
    expect((await installed()).provenance.licence).toBe('not stated');
    expect(said).toEqual([expect.stringMatching(/mine.onnx is not known to be the official net.onnx.*--preset/)]);
    await add(network(1000), {}, '--from', from, ...calibrate());
    expect((await installed()).provenance.licence).toBe('MIT (nobody)');
  });

  it('reads weights without an architecture into the network of their name', async () => {
    const from = await keras(path.join(folder, 'other.h5'));
    await expect(add(network(2), { network: 'vgg16', file: 'vgg.h5' }, '--from', from, ...calibrate())).rejects.toThrow(
      /other\.h5 holds weights of another network than vgg16: it has nothing for "block1_conv1" and 15 more/,
    );
  });
});

describe('what is wrong is said, and nothing is half installed', () => {
  afterEach(async () => expect(await readdir(models)).toEqual([]));

  it('no pictures: before the download', async () => {
    await expect(add(network(1000), {})).rejects.toThrow(/--calibrate DIR is missing: give a folder of about 100/);
    await expect(add(network(1000), {}, '--calibrate', '/nowhere')).rejects.toThrow(/nowhere is no folder/);
    await expect(add(network(1000), {}, ...calibrate(), '--dense-bits', '5')).rejects.toThrow(/--dense-bits takes/);
    expect(server?.requests).toHaveLength(0);
  });

  it('another number of classes', async () => {
    await expect(add(network(10), {}, ...calibrate())).rejects.toThrow(/names 1000 classes, and the network has 10/);
  });

  it('another hash, and a file cut short of which no hash is stated', async () => {
    const hash = { algorithm: 'md5', value: '0'.repeat(32), statedBy: 'this test', verified: false } as const;
    await expect(add(network(1000), { hash }, ...calibrate())).rejects.toThrow(
      /its md5 is [0-9a-f]{32}, and .* is 0{32}/,
    );
    await expect(add(network(1000).subarray(0, -50), { hash: null }, ...calibrate())).rejects.toThrow(
      /truncated or damaged/,
    );
  });

  it('a compile that is killed; the next one goes through', async () => {
    const from = path.join(folder, 'killed.onnx');
    await writeFile(from, network(1000));
    const args = ['--from', from, ...calibrate(), '--preset', 'imagenet-torch', '--min-agreement', '0'];
    const out = ['--out', path.join(models, 'test-net')];
    const command = ['--import', 'tsx', 'training/models.ts', 'add', 'test-net', ...args, ...out];
    const child = spawn(process.execPath, command);
    let printed = '';
    for await (const chunk of child.stderr) {
      printed += chunk;
      if (printed.includes('reading pictures')) child.kill('SIGKILL');
    }
    expect(printed).toContain('reading pictures');
    expect(child.signalCode ?? (await once(child, 'exit'))[1]).toBe('SIGKILL');
    expect(await readdir(models)).toEqual([]);
    await addModel('test-net', [...args, ...out]);
    expect((await installed()).classes).toBe(1000);
    await rm(path.join(models, 'test-net'), { recursive: true });
  });

  it('what cannot be read here, and an id that nobody knows', async () => {
    const unreadable = OFFICIAL.get('senet154')?.unreadable ?? '';
    await expect(add(network(1000), { unreadable }, ...calibrate())).rejects.toThrow(/torch\.onnx\.export.*--from/);
    await expect(addModel('my-net', calibrate())).rejects.toThrow(/No official weights of "my-net".*vgg16/);
  });
});

describe('the table', () => {
  it.each([...OFFICIAL])('%s: addresses, a hash of the right length that nobody claims to have seen', (_, entry) => {
    expect(entry.addresses.length).toBeGreaterThan(0);
    for (const address of entry.addresses) expect(new URL(address).pathname.endsWith(`/${entry.file}`)).toBe(true);
    if (entry.hash) {
      expect(entry.hash.value).toMatch(entry.hash.algorithm === 'md5' ? /^[0-9a-f]{32}$/ : /^[0-9a-f]{64}$/);
      expect(entry.hash.verified).toBe(false);
      expect(entry.hash.statedBy).not.toBe('');
    }
    expect(entry.licence).not.toBe('');
  });
});

/** One layer of `save_weights`. */
async function keras(file: string): Promise<string> {
  await h5wasm.ready;
  const h5 = new h5wasm.File(file, 'w');
  h5.create_attribute('layer_names', ['conv1']);
  const group = h5.create_group('conv1');
  group.create_attribute('weight_names', ['w']);
  group.create_dataset({ name: 'w', data: noise(2, 1), shape: [2], dtype: '<f4' });
  h5.close();
  return file;
}
