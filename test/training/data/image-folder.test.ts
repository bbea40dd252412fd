import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelInput } from '../../../functions/catalogue/manifest.ts';
import { readImageFolder } from '../../../training/data/image-folder.ts';
import { imagenetLabels, readLabels } from '../../../training/data/labels.ts';

const INPUT: ModelInput = {
  width: 4,
  height: 4,
  channels: 'rgb',
  resize: { rule: 'stretch', width: 4, height: 4, filter: 'bilinear' },
  scale: [1],
  offset: [0],
};

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'folder-'));
});
afterAll(() => rm(root, { recursive: true }));

const folder = async (name: string, files: Readonly<Record<string, Uint8Array | string>>) => {
  for (const [file, bytes] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name, file)), { recursive: true });
    await writeFile(path.join(root, name, file), bytes);
  }
  return path.join(root, name);
};

const picture = (red: number, format: 'png' | 'jpeg' = 'png') =>
  sharp({ create: { width: 9, height: 7, channels: 3, background: { r: red, g: 20, b: 30 } } })
    .toFormat(format)
    .toBuffer();

describe('readImageFolder', () => {
  it('reads pictures of all folders below, prepared for the model, and passes other files over', async () => {
    const dir = await folder('classes', {
      'cat/1.png': await picture(10),
      'dog/2.PNG': await picture(200),
      'dog/notes.txt': 'no picture',
    });
    const { images, skipped } = await readImageFolder(dir, INPUT, 10);
    expect(images.map(({ name }) => name)).toEqual([path.join('cat', '1.png'), path.join('dog', '2.PNG')]);
    expect([...(images[0]?.pixels ?? [])]).toEqual(Array(16).fill([10, 20, 30]).flat());
    expect(skipped).toEqual([]);
  });

  it('names and counts what is broken, and goes on', async () => {
    const whole = await picture(50, 'jpeg');
    const dir = await folder('broken', {
      'a.jpg': whole,
      'b.jpg': whole.subarray(0, whole.length / 2),
      'c.jpg': 'not a JPEG',
      'd.jpg': '',
    });
    const { images, skipped } = await readImageFolder(dir, INPUT, 10);
    expect(images.map(({ name }) => name)).toEqual(['a.jpg']);
    expect(skipped.map(({ name }) => name)).toEqual(['b.jpg', 'c.jpg', 'd.jpg']);
    for (const { why } of skipped) expect(why.length).toBeGreaterThan(10);
  });

  it('takes pictures evenly from all of them', async () => {
    const one = await picture(1);
    const dir = await folder('many', Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`${n}.png`, one])));
    const { images } = await readImageFolder(dir, INPUT, 5);
    expect(images.map(({ name }) => name)).toEqual(['1.png', '3.png', '5.png', '7.png', '9.png']);
  });

  it('says what is missing', async () => {
    const empty = await folder('empty', { 'readme.txt': 'nothing' });
    await expect(readImageFolder(empty, INPUT, 5)).rejects.toThrow(/empty holds no JPEG, PNG or WebP picture: give/);
    const bad = await folder('bad', { 'x.png': 'x' });
    await expect(readImageFolder(bad, INPUT, 5)).rejects.toThrow(
      /no JPEG, PNG or WebP picture that can be read \(x.png: /,
    );
    await expect(readImageFolder(path.join(root, 'nowhere'), INPUT, 5)).rejects.toThrow(/nowhere is no folder/);
  });

  it('reads the training images of an IDX file', async () => {
    const header = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 3);
    const pixels = Uint8Array.from({ length: 24 }, (_, index) => index);
    const dir = await folder('idx', { 'train-images-idx3-ubyte.gz': gzipSync(Buffer.concat([header, pixels])) });
    const input: ModelInput = { ...INPUT, width: 3, height: 2, channels: 'grey' };
    const { images } = await readImageFolder(dir, input, 2);
    expect(images.map((image) => [...image.pixels])).toEqual([[...pixels.subarray(6, 12)], [...pixels.subarray(18)]]);
    await expect(readImageFolder(dir, INPUT, 2)).rejects.toThrow(/grey images of 3x2; the model takes 4x4 rgb/);
  });
});

describe('labels', () => {
  it('are one a line, or a table, or a JSON list', async () => {
    const dir = await folder('labels', {
      'lines.txt': 'cat\r\ndog, big\n\n',
      'table.tsv': 'index\tsynset\tname\n0\tn1\tcat\n1\tn2\tdog\n',
      'metadata.json': '{"labels": ["cat", "dog"]}',
      'list.json': '["cat", 3]',
    });
    const read = (name: string) => readLabels(path.join(dir, name), 2);
    expect(await read('lines.txt')).toEqual([{ label: 'cat' }, { label: 'dog, big' }]);
    expect(await read('table.tsv')).toEqual([
      { label: 'cat', synset: 'n1' },
      { label: 'dog', synset: 'n2' },
    ]);
    expect(await read('metadata.json')).toEqual([{ label: 'cat' }, { label: 'dog' }]);
    await expect(read('list.json')).rejects.toThrow(/no list of names/);
    await expect(readLabels(path.join(dir, 'lines.txt'), 3)).rejects.toThrow(/names 2 classes, and the network has 3/);
  });

  it('of ImageNet are a thousand, in the order of their synsets', async () => {
    const labels = await imagenetLabels();
    const synsets = labels.map(({ synset }) => synset ?? '');
    expect(synsets).toEqual([...new Set(synsets)].sort());
    expect(labels[207]).toEqual({ label: 'golden_retriever', synset: 'n02099601' });
  });
});
