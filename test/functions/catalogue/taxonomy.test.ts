import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../functions/bytes.ts';
import { Catalogue } from '../../../functions/catalogue/catalogue.ts';
import { taxonomyOf } from '../../../functions/catalogue/taxonomy.ts';
import { json, memoryAssets, memoryModel } from './model-folder.ts';

const groups = (of: Record<string, (number | string)[]>) => ({
  groups: Object.entries(of).map(([label, members]) => ({ label, of: members })),
});

describe('a taxonomy', () => {
  it('knows the classes of each group, those of no narrower one, and what it is within', () => {
    const taxonomy = taxonomyOf(
      groups({ animal: ['mammal', 4], mammal: ['dog', 3, 2], dog: [1, 0], pet: ['dog', 5] }),
      6,
    );
    expect(taxonomy.map(({ label, classes, own, within }) => [label, classes, own, within])).toEqual([
      ['animal', [0, 1, 2, 3, 4], [4], []],
      ['mammal', [0, 1, 2, 3], [2, 3], ['animal']],
      ['dog', [0, 1], [0, 1], ['mammal', 'pet', 'animal']],
      ['pet', [0, 1, 5], [5], []],
    ]);
  });

  it.each<[string, unknown, RegExp]>([
    ['a group within itself', groups({ a: ['a'] }), /has a cycle: a > a/],
    ['a cycle of three', groups({ x: [0], a: ['b'], b: ['c'], c: ['a', 1] }), /has a cycle: a > b > c > a/],
    ['a group that is not there', groups({ a: ['b'] }), /a group "b" into "a", and there is none/],
    ['a class that is not there', groups({ a: [3] }), /class 3 into "a", and there are 3/],
    [
      'a label twice',
      {
        groups: [
          { label: 'a', of: [0] },
          { label: 'a', of: [1] },
        ],
      },
      /names "a" twice/,
    ],
    ['an empty group', groups({ a: [] }), /of/],
    ['a label of 10,000 characters', groups({ ['a'.repeat(10_000)]: [0] }), /label/],
    ['a place that is no whole number', groups({ a: [0.5] }), /of/],
    ['another field', { ...groups({ a: [0] }), colour: 1 }, /colour/],
    ['nothing', undefined, /./],
  ])('with %s is refused', (_name, value, says) => {
    expect(() => taxonomyOf(value, 3)).toThrow(says);
  });

  it('of a thousand groups, one in the other, is read', () => {
    const chain = groups(
      Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`g${n}`, n === 999 ? [0] : [`g${n + 1}`]])),
    );
    expect(taxonomyOf(chain, 1)[0]?.classes).toEqual([0]);
  });
});

describe('a model folder with a taxonomy', () => {
  async function folder(value: unknown) {
    const files = await memoryModel('m');
    const manifest = JSON.parse(new TextDecoder().decode(files.get('manifest.json')));
    const bytes = json(value);
    const file = { path: 'taxonomy.json', role: 'taxonomy', bytes: bytes.length, sha256: await sha256Hex(bytes) };
    files.set('taxonomy.json', bytes);
    files.set('manifest.json', json({ ...manifest, files: [...manifest.files, file] }));
    return new Catalogue(memoryAssets(new Map([['m', files]])).assets);
  }

  it('is served with it', async () => {
    const { taxonomy } = await (await folder(groups({ sides: [0, 1] }))).get('m');
    expect(taxonomy?.[0]).toMatchObject({ label: 'sides', classes: [0, 1] });
  });

  it('that has a cycle is not, and the error names the file', async () => {
    const catalogue = await folder(groups({ a: ['b'], b: ['a', 0] }));
    await expect(catalogue.get('m')).rejects.toMatchObject({
      code: 'model-broken',
      what: expect.stringMatching(/"m" cannot be loaded: taxonomy.json has a cycle: a > b > a/),
    });
  });
});
