import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifestSchema } from '../../../functions/catalogue/manifest.ts';
import { type ModelDraft, publishModel } from '../../../training/publish/model-folder.ts';
import { recordFindings } from '../../../training/publish/record.ts';

const MiB = 1024 * 1024;
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

let root: string;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'publish-'));
});
afterAll(() => rm(root, { recursive: true }));

function draft(weights: Uint8Array, more: Partial<ModelDraft> = {}): ModelDraft {
  return {
    id: 'tiny',
    title: 'Tiny',
    runtime: 'int8',
    parameters: 3,
    input: { width: 28, height: 28, channels: 'grey', resize: { rule: 'fashion' }, scale: [1 / 255], offset: [0] },
    output: { kind: 'logits', temperature: 1 },
    memory: { weights: weights.length, arena: 64, total: weights.length + 64 },
    metrics: { dataset: 'none', n: 10, top1: 0.9 },
    provenance: { source: 'a test', licence: 'none', command: 'vitest' },
    labels: [{ label: 'cat' }, { label: 'dog' }],
    weights,
    network: {
      path: 'program.bin',
      role: 'program',
      content: (shards) => new TextEncoder().encode(shards.join(',')),
    },
    ...more,
  };
}

describe('publishModel', () => {
  it('cuts the weights into shards named by their content, and lists every file with its hash', async () => {
    const dir = path.join(root, 'sharded');
    const weights = new Uint8Array(8 * MiB + 5).map((_, index) => index % 251);
    const manifest = await publishModel(dir, draft(weights));
    const first = `weights-${sha256(weights.subarray(0, 8 * MiB)).slice(0, 16)}.bin`;
    const second = `weights-${sha256(weights.subarray(8 * MiB)).slice(0, 16)}.bin`;
    expect((await readdir(dir)).sort()).toEqual(
      ['card.md', 'labels.json', 'manifest.json', 'program.bin', first, second].sort(),
    );
    expect(await readFile(path.join(dir, 'program.bin'), 'utf8')).toBe(`${first},${second}`);
    for (const file of manifest.files) {
      const bytes = await readFile(path.join(dir, file.path));
      expect([file.path, file.bytes, file.sha256]).toEqual([file.path, bytes.length, sha256(bytes)]);
    }
    expect(manifestSchema.parse(JSON.parse(await readFile(path.join(dir, 'manifest.json'), 'utf8')))).toEqual(manifest);
    expect(await readFile(path.join(dir, 'card.md'), 'utf8')).toContain('| top-1 on none (10 images) | 90.00 % |');
  });

  it('raises the revision only when the version changes', async () => {
    const dir = path.join(root, 'again');
    const first = await publishModel(dir, draft(Uint8Array.of(1)));
    const same = await publishModel(dir, draft(Uint8Array.of(1)));
    const other = await publishModel(dir, draft(Uint8Array.of(2)));
    expect([first.revision, same.revision, other.revision]).toEqual([1, 1, 2]);
    expect(same.version).toBe(first.version);
    expect(other.version).not.toBe(first.version);
    expect((await readdir(dir)).filter((name) => name.startsWith('weights-'))).toHaveLength(1);
  });

  it('changes nothing when the manifest would not load', async () => {
    const dir = path.join(root, 'kept');
    await publishModel(dir, draft(Uint8Array.of(1)));
    const before = await readFile(path.join(dir, 'manifest.json'), 'utf8');
    await expect(publishModel(dir, draft(Uint8Array.of(2), { title: '' }))).rejects.toThrow(/title/);
    await expect(publishModel(dir, draft(Uint8Array.of(2), { labels: [] }))).rejects.toThrow();
    expect(await readFile(path.join(dir, 'manifest.json'), 'utf8')).toBe(before);
    expect((await readdir(root)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('keeps thresholds of classes that do not exclude each other: others are another version', async () => {
    const dir = path.join(root, 'multilabel');
    const of = (...thresholds: number[]) =>
      draft(Uint8Array.of(1), { task: 'multilabel', output: { kind: 'logits', temperature: 1, thresholds } });
    const first = await publishModel(dir, of(0.25, 0.5));
    expect(first).toMatchObject({ task: 'multilabel', output: { thresholds: [0.25, 0.5] }, revision: 1 });
    expect(await publishModel(dir, of(0.25, 0.5))).toEqual(first);
    expect((await publishModel(dir, of(0.25, 0.6))).revision).toBe(2);
    expect(await readFile(path.join(dir, 'card.md'), 'utf8')).toContain('from its threshold on, 0.250 to 0.600.');
    await expect(publishModel(dir, of(0.25))).rejects.toThrow(/1 thresholds for 2 classes/);
  });

  it('refuses a folder that holds something else', async () => {
    const dir = path.join(root, 'holiday');
    await mkdir(dir);
    await writeFile(path.join(dir, 'photo.jpg'), 'x');
    await expect(publishModel(dir, draft(Uint8Array.of(1)))).rejects.toThrow(/holiday exists and is no model folder/);
    expect(await readdir(dir)).toEqual(['photo.jpg']);
  });
});

describe('recordFindings', () => {
  it('puts figures into manifest and card, and leaves the version and every other file as they are', async () => {
    const dir = path.join(root, 'measured');
    const before = await publishModel(dir, draft(Uint8Array.of(1, 2, 3), { metrics: undefined }));
    const weights = before.files.find(({ role }) => role === 'weights')?.path ?? '';
    const after = await recordFindings(dir, {
      metrics: { dataset: 'some', n: 20, top1: 0.75, float: { top1: 0.8 } },
      temperature: 1,
    });
    expect([after.version, after.revision]).toEqual([before.version, before.revision]);
    expect(after.metrics?.top1).toBe(0.75);
    const card = after.files.find(({ role }) => role === 'card');
    const written = await readFile(path.join(dir, 'card.md'), 'utf8');
    expect([card?.bytes, card?.sha256]).toEqual([Buffer.byteLength(written), sha256(written)]);
    expect(written).toContain('| top-1 of the float network | 80.00 % |');
    expect(await readFile(path.join(dir, weights))).toEqual(Buffer.of(1, 2, 3));
    expect(manifestSchema.parse(JSON.parse(await readFile(path.join(dir, 'manifest.json'), 'utf8')))).toEqual(after);
  });

  it('says how small photos may be sent, with the interval of what was seen', async () => {
    const dir = path.join(root, 'advised');
    const before = await publishModel(dir, draft(Uint8Array.of(1, 2, 3)));
    const upload = {
      ...{ goal: 0.995, longestEdge: 512, quality: 0.9, formats: ['image/jpeg' as const], typicalBytes: 41_000 },
      ...{ maxBytes: 90_000, agreement: 1, images: 200, enlarged: 3, tried: [320, 512, 1024], dataset: 'some' },
    };
    expect(await recordFindings(dir, { upload })).toMatchObject({ upload, version: before.version });
    const card = () => readFile(path.join(dir, 'card.md'), 'utf8');
    expect(await card()).toMatch(/is 512 pixels, at JPEG quality 0\.9: 100\.00 % of 200 pictures/);
    // 200 of 200: SciPy's binomtest(200, 200).proportion_ci(method='wilson')
    expect(await card()).toContain('95 % interval 98.12 % to 100.00 %');
    await recordFindings(dir, { upload: { ...upload, longestEdge: null, agreement: 0.98 } });
    expect(await card()).toContain('No longest edge of those tried (320, 512, 1024) keeps the first class of 99.50 %');
  });

  it('tells of the cascades that a model is a network of', async () => {
    const [models, dir] = [path.join(root, 'models'), path.join(root, 'models/tiny')];
    await mkdir(models);
    await publishModel(dir, draft(Uint8Array.of(1)));
    const measured = {
      ...{ dataset: 'some', images: 200, agreement: 0.995, answeredByFirst: 0.8 },
      ...{ meanMacs: 1234.4, secondMacs: 5000, top1: 0.9, secondTop1: 0.91 },
    };
    const line = { first: 'tiny', second: 'large', margin: 0.5, measured };
    const lines = { auto: line, other: { ...line, first: 'small' } };
    await writeFile(path.join(models, 'cascades.json'), JSON.stringify(lines));
    await recordFindings(dir, {});
    const card = await readFile(path.join(dir, 'card.md'), 'utf8');
    expect(card).toContain('| first class the same as from large alone | 99.50 % | |');
    expect(card).toContain('| multiply-adds an image, mean | 1,234 | 5,000 |');
    expect(card.match(/## Cascade/g)).toHaveLength(1);
  });

  it('gives another temperature another version and the next revision, and publishing anew takes it back', async () => {
    const dir = path.join(root, 'tempered');
    const before = await publishModel(dir, draft(Uint8Array.of(1, 2, 3)));
    const metrics = { dataset: 'some', n: 20, top1: 0.75, calibrationError: 0.0123 };
    const warm = await recordFindings(dir, { metrics, temperature: 1.25 });
    expect(warm.output.temperature).toBe(1.25);
    expect([warm.revision, warm.version === before.version]).toEqual([2, false]);
    expect(await recordFindings(dir, { metrics, temperature: 1.25 })).toEqual(warm);
    const card = await readFile(path.join(dir, 'card.md'), 'utf8');
    expect(card).toContain('Temperature 1.25.');
    expect(card).toContain('| expected calibration error | 1.23 % |');
    // 15 of 20: SciPy's binomtest(15, 20).proportion_ci(method='wilson')
    expect(card).toContain('| 95 % interval of it | 53.13 % to 88.81 % |');
    const again = await publishModel(dir, draft(Uint8Array.of(1, 2, 3)));
    expect([again.version, again.revision]).toEqual([before.version, 3]);
  });
});
