import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandOf, compileOptions } from '../../../training/compile/options.ts';
import { compileModel } from '../../../training/compile.ts';
import { loadServedModel } from '../../../training/evaluate/served-model.ts';
import { random, SMALL_NETWORKS } from './small-networks.ts';

let root: string;
let pictures: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'compile-'));
  pictures = path.join(root, 'pictures');
  const next = random(4);
  await mkdir(pictures);
  for (let n = 0; n < 12; n++) {
    const data = Uint8Array.from({ length: 12 * 12 * 3 }, () => (next() + 1) * 127);
    const png = await sharp(data, { raw: { width: 12, height: 12, channels: 3 } })
      .png()
      .toBuffer();
    await writeFile(path.join(pictures, `${n}.png`), png);
  }
  await writeFile(path.join(pictures, 'broken.png'), 'x');
  await writeFile(path.join(root, 'network.bin'), 'stands for the file that the graph came from');
});
afterAll(() => rm(root, { recursive: true }));

const options = (id: string, ...more: string[]) => {
  const feeding = ['--channels', 'rgb', '--scale', '0.00784', '--offset', '-1'];
  const files = ['--from', path.join(root, 'network.bin'), '--calibrate', pictures, '--out', path.join(root, id)];
  return compileOptions([...files, '--id', id, ...feeding, ...more]);
};

describe('compileModel', () => {
  const graph = SMALL_NETWORKS['convolution, batch norm, ReLU, max-pool'];

  it('writes a model folder that the service loads, and a report', async () => {
    const { manifest, report, reportPage } = await compileModel(options('small', '--title', 'Small'), graph?.());
    expect(report.heldOut.images).toBe(6);
    expect(report.calibration.images).toBe(6);
    const { layers, candidates, expectedMs, expectedMsBefore, heldOutBefore } = report.fastForm;
    expect(heldOutBefore.images).toBe(6);
    expect(layers).toBeLessThanOrEqual(candidates);
    expect(expectedMs).toBeLessThanOrEqual(expectedMsBefore);
    expect(report.skipped.map(({ name }) => name)).toEqual(['broken.png']);
    expect(report.bytes.weights).toBeLessThan(report.bytes.float);
    expect(report.layers.map(({ op }) => op)).toEqual([
      'conv-first',
      'max-pool',
      'conv',
      'global-average-pool',
      'conv',
    ]);
    for (const layer of report.layers) expect(layer.decibels).toBeGreaterThan(20);

    const page = await readFile(reportPage, 'utf8');
    expect(page.match(/<svg /g)).toHaveLength(3);
    expect(page).not.toMatch(/<(script|link|img)|https?:/);
    expect(JSON.parse(await readFile(reportPage.replace('.html', '.json'), 'utf8'))).toEqual(report);

    const { classifier, labels, manifest: loaded } = await loadServedModel(path.join(root, 'small'));
    expect(loaded).toEqual(manifest);
    expect(loaded).toMatchObject({ runtime: 'int8', classes: 10, output: { kind: 'logits' }, title: 'Small' });
    // 12x12x16 outputs of 3x3x3, 6x6x20 of 3x3x16, and 20x10.
    expect(loaded).toMatchObject({ explanation: 'cam', macs: 62_208 + 103_680 + 200 });
    expect(labels).toHaveLength(10);
    expect(classifier.bytes).toBe(manifest.memory.total);
    expect(await classifier.classify(new Uint8Array(12 * 12 * 3), 1)).toHaveLength(10);
    classifier.dispose();
  });

  it('publishes nothing where too little agrees, and names the layers to blame', async () => {
    const strict = { ...options('strict'), minAgreement: 1.01 };
    await expect(compileModel(strict, graph?.())).rejects.toThrow(/Nothing is published.*Most is lost in \S+ \(loses/);
    expect(existsSync(path.join(root, 'strict'))).toBe(false);
    expect(existsSync('build/reports/strict/quantization.html')).toBe(true);
  });

  it.each([
    ['no picture', {}, /holds no JPEG, PNG or WebP picture: give/],
    ['a JPEG that was cut off', { 'a.jpg': 100 }, /picture that can be read \(a\.jpg: /],
  ])('publishes nothing where the calibration folder has %s', async (what, files, message) => {
    const dir = await mkdtemp(path.join(root, 'calibration-'));
    const whole = await sharp({ create: { width: 9, height: 9, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer();
    for (const [name, bytes] of Object.entries(files)) await writeFile(path.join(dir, name), whole.subarray(0, bytes));
    const id = what.replaceAll(' ', '-').toLowerCase();
    await expect(compileModel({ ...options(id), calibrate: dir }, graph?.())).rejects.toThrow(message);
    expect(existsSync(path.join(root, id))).toBe(false);
  });

  it('refuses a network that is no classifier, and labels that are too few', async () => {
    const map = SMALL_NETWORKS['a map as output']?.();
    await expect(compileModel(options('map'), map)).rejects.toThrow(/a map of 6x6: it is no classifier/);
    await writeFile(path.join(root, 'labels.txt'), 'only one\n');
    const few = options('few', '--labels', path.join(root, 'labels.txt'));
    await expect(compileModel(few, graph?.())).rejects.toThrow(/names 1 classes, and the network has 10/);
  });
});

describe('options', () => {
  const base = ['--from', 'a.onnx', '--id', 'a', '--calibrate', 'dir'];

  it('take negative numbers, and give the command back', () => {
    const parsed = compileOptions([...base, '--channels', 'bgr', '--offset', '-104,-117,-123', '--dense-bits', '8']);
    expect(parsed.feeding).toEqual({ channels: 'bgr', scale: [1], offset: [-104, -117, -123], resize: 'stretch' });
    expect(parsed).toMatchObject({ out: 'models/a', minAgreement: 0.9, denseBits: 8, title: 'a' });
    const [id = '', ...rest] = commandOf(parsed).replace('npm run models -- add ', '').split(' ');
    expect(compileOptions(['--id', id, ...rest])).toEqual(parsed);
  });

  it.each([
    [['--preset', 'imagenet'], /--preset takes one of imagenet-torch, .*it is "imagenet"/],
    [[], /--preset .*or --channels/],
    [['--channels', 'rgb', '--scale', '1,x'], /--scale takes one to three numbers.*"1,x"/],
    [['--channels', 'rgb', '--min-agreement', '90'], /--min-agreement takes a share from 0 to 1/],
    [['--channels', 'rgb', '--dense-bits', '5'], /--dense-bits takes one of 4, 8/],
    [['--preset', 'fashion', '--id', 'A b'], /--id A b: a model id is/],
    [['--preset', 'fashion', '--from', ''], /--from is missing/],
  ])('%j are refused', (more, message) => {
    expect(() => compileOptions([...base, ...more])).toThrow(message);
  });
});
