import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadImageFolder, type NamedImages } from '../../../training/data/labelled-folder.ts';
import { imageAt } from '../../../training/data/labelled-images.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'labelled-'));
});
afterAll(() => rm(root, { recursive: true }));

const picture = (value: number, format: 'png' | 'jpeg' | 'webp' = 'png', size = 8) =>
  sharp({ create: { width: size, height: size, channels: 3, background: { r: value, g: 20, b: 255 - value } } })
    .toFormat(format, format === 'webp' ? { lossless: true } : {})
    .toBuffer();

const folder = async (name: string, files: Readonly<Record<string, Uint8Array | string>>) => {
  for (const [file, bytes] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name, file)), { recursive: true });
    await writeFile(path.join(root, name, file), bytes);
  }
  return path.join(root, name);
};

/** `count` different pictures a class, from `first` on. */
const pictures = async (classes: readonly string[], count: number, first = 0) => {
  const files: Record<string, Uint8Array> = {};
  for (const [at, name] of classes.entries()) {
    for (let n = 0; n < count; n++) files[`${name}/${n}.png`] = await picture(first + at * count + n);
  }
  return files;
};

const load = (dir: string, seed?: number) =>
  loadImageFolder(dir, {
    size: 4,
    channels: 'rgb',
    cache: path.join(root, 'cache'),
    ...(seed !== undefined && { seed }),
  });
const namesOf = ({ train, validation, test }: Readonly<Record<'train' | 'validation' | 'test', NamedImages>>) =>
  [train, validation, test].map(({ names }) => names);

describe('a folder with a sub-folder a class', () => {
  it('is split 80, 10, 10 within each class, each picture once, with its own pixels and label', async () => {
    const dir = await folder('plain', await pictures(['cat', 'dog'], 20));
    const { train, validation, test, skipped } = await load(dir);
    expect([train.count, validation.count, test.count]).toEqual([32, 4, 4]);
    expect(skipped).toEqual([]);
    expect(new Set([...train.names, ...validation.names, ...test.names]).size).toBe(40);
    for (const part of [train, validation, test]) {
      expect(part).toMatchObject({ shape: [4, 4, 3], classNames: ['cat', 'dog'] });
      for (const [at, name] of part.names.entries()) {
        const label = name.startsWith('dog') ? 1 : 0;
        const value = label * 20 + Number(path.basename(name, '.png'));
        expect(part.labels[at]).toBe(label);
        expect([...imageAt(part, at)]).toEqual(
          Array(16)
            .fill([value, 20, 255 - value])
            .flat(),
        );
      }
      expect([...part.labels].filter((label) => label === 1)).toHaveLength(part.count / 2);
    }
  });

  it('is split by content: another name changes nothing, another seed does, more pictures of a class leave the others', async () => {
    const dir = await folder('renamed', await pictures(['cat', 'dog'], 20));
    const before = await load(dir);
    expect(namesOf(await load(dir, 2))).not.toEqual(namesOf(before));
    const tested = before.test.names.find((name) => name.startsWith('cat')) ?? '';
    await rename(path.join(dir, tested), path.join(dir, 'cat/zz.png'));
    await writeFile(path.join(dir, 'dog/new.png'), await picture(200));
    const after = await load(dir);
    const cats = (part: NamedImages) =>
      part.names.filter((name) => name.startsWith('cat')).map((name) => (name === tested ? 'cat/zz.png' : name));
    expect(cats(after.test).sort()).toEqual(cats(before.test).sort());
    expect(cats(after.validation).sort()).toEqual(cats(before.validation).sort());
  });

  it('reads WebP to the pixels of the same picture as PNG', async () => {
    const files = await pictures(['cat', 'dog'], 3);
    const gradient = Uint8Array.from({ length: 9 * 7 * 3 }, (_, i) => (i * 37) % 256);
    const image = sharp(gradient, { raw: { width: 9, height: 7, channels: 3 } });
    const dir = await folder('webp', { ...files, 'cat/g.png': await image.png().toBuffer() });
    const png = await load(dir);
    await rm(path.join(dir, 'cat/g.png'));
    await folder('webp', { 'cat/g.webp': await image.webp({ lossless: true }).toBuffer() });
    const webp = await load(dir);
    const find = (loaded: typeof png, name: string) => {
      const part = [loaded.train, loaded.validation, loaded.test].find(({ names }) => names.includes(name));
      return part && [...imageAt(part, part.names.indexOf(name))];
    };
    expect(find(webp, 'cat/g.webp')).toHaveLength(48);
    expect(find(webp, 'cat/g.webp')).toEqual(find(png, 'cat/g.png'));
  });

  it('names, skips and counts what is broken, empty, of another type, or there twice', async () => {
    const files = await pictures(['cat', 'dog'], 5);
    const whole = await picture(99, 'jpeg', 64);
    const dir = await folder('broken', {
      ...files,
      'cat/cut.jpg': whole.subarray(0, whole.length / 3),
      'cat/empty.jpg': '',
      'cat/scan.tif': await sharp(whole).tiff().toBuffer(),
      'cat/notes.txt': 'no picture',
      'cat/.hidden': 'not looked at',
      'dog/twice.png': files['cat/0.png'] ?? '',
      'README.md': 'no class',
    });
    const { train, validation, test, skipped } = await load(dir);
    expect(train.count + validation.count + test.count).toBe(10);
    const why = new Map(skipped.map((one) => [one.name, one.why]));
    expect([...why.keys()].sort()).toEqual([
      'cat/cut.jpg',
      'cat/empty.jpg',
      'cat/notes.txt',
      'cat/scan.tif',
      'dog/twice.png',
    ]);
    expect(why.get('cat/empty.jpg')).toMatch(/empty/);
    expect(why.get('cat/scan.tif')).toMatch(/TIFF/);
    expect(why.get('dog/twice.png')).toMatch(/same file as cat\/0\.png/);
  });

  it.each([
    [
      'one picture',
      { 'cat/1.png': 1, 'dog/1.png': 2, 'dog/2.png': 3, 'dog/3.png': 4 },
      /class "cat" has 1 picture.* needs 3/,
    ],
    [
      'no picture',
      { 'cat/notes.txt': 0, 'dog/1.png': 2, 'dog/2.png': 3, 'dog/3.png': 4 },
      /class "cat" has 0 pictures/,
    ],
    ['one class', { 'cat/1.png': 1, 'cat/2.png': 2 }, /for 1 classes.*one sub-folder of pictures for each class/],
    ['no class', { '1.png': 1 }, /for 0 classes/],
  ] as const)('with %s in it is refused', async (name, files, message) => {
    const made = Object.entries(files).map(async ([file, value]) => [file, await picture(value)] as const);
    const dir = await folder(`few-${name}`, Object.fromEntries(await Promise.all(made)));
    if (name === 'no picture') await writeFile(path.join(dir, 'cat/notes.txt'), 'no picture');
    await expect(load(dir)).rejects.toThrow(message);
  });

  it('is said to be none where there is none', async () => {
    await expect(load(path.join(root, 'nowhere'))).rejects.toThrow(/nowhere is no folder that can be read/);
  });
});

describe('a folder that is split already', () => {
  it('keeps its test images, and validates with a tenth of what trains', async () => {
    const train = await pictures(['train/cat', 'train/dog'], 20);
    const test = await pictures(['test/cat', 'test/dog'], 3, 100);
    const loaded = await load(
      await folder('split', { ...train, ...test, 'test/cat/leak.png': train['train/cat/7.png'] ?? '' }),
    );
    expect([...loaded.test.names].sort()).toEqual([...Object.keys(test), 'test/cat/leak.png'].sort());
    expect([loaded.train.count, loaded.validation.count]).toEqual([35, 4]);
    expect(loaded.skipped).toEqual([{ name: 'train/cat/7.png', why: 'It is the same file as test/cat/leak.png.' }]);
    expect(loaded.train.classNames).toEqual(['cat', 'dog']);
  });

  it('is refused where its parts have other classes', async () => {
    const files = { ...(await pictures(['train/cat', 'train/dog'], 3)), ...(await pictures(['test/cat'], 3, 50)) };
    await expect(load(await folder('unlike', files))).rejects.toThrow(/class "dog" is not in both .*train and .*test/);
  });
});

describe('the cache', () => {
  it('gives the same again, and sees a changed file, and pixels that are no longer those', async () => {
    const dir = await folder('cached', await pictures(['cat', 'dog'], 4));
    const cache = path.join(root, 'cache-of-its-own');
    let read = 0;
    const again = () => {
      read = 0;
      return loadImageFolder(dir, { size: 4, channels: 'grey', cache, progress: () => read++ });
    };
    const before = await again();
    expect(read).toBe(8);
    expect(await again()).toEqual(before);
    expect(read).toBe(0);

    const [entry = ''] = await readdir(cache);
    const bytes = await readFile(path.join(cache, entry));
    bytes[bytes.indexOf('\n') + 1] = (bytes[bytes.indexOf('\n') + 1] ?? 0) ^ 1;
    await writeFile(path.join(cache, entry), bytes);
    expect(await again()).toEqual(before);
    expect(read).toBe(8);

    await writeFile(path.join(cache, entry), bytes.subarray(0, bytes.length - 1));
    expect(await again()).toEqual(before);
    expect(read).toBe(8);

    await writeFile(path.join(dir, 'cat/0.png'), await picture(250));
    await utimes(path.join(dir, 'cat/0.png'), 1, 1);
    const changed = await again();
    expect(read).toBe(8);
    const sha = ({ train, validation, test }: typeof before) =>
      createHash('sha256')
        .update(Buffer.concat([train, validation, test].map(({ images }) => images)))
        .digest('hex');
    expect(sha(changed)).not.toBe(sha(before));
  });
});
