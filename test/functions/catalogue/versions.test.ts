import { describe, expect, it } from 'vitest';
import { sha256OfText } from '../../../functions/bytes.ts';
import { Catalogue } from '../../../functions/catalogue/catalogue.ts';
import { type ModelFolder, modelIndex, speakingOf } from '../../../functions/catalogue/versions.ts';
import { json, memoryAssets, memoryVersion } from './model-folder.ts';

const folder = (name: string, revision: number, id = name.split('@')[0] ?? ''): ModelFolder => ({
  name,
  manifest: { id, revision },
});
const three = [folder('m@1', 1), folder('m@2', 2), folder('m', 3), folder('other', 9)];

describe('the index of a deployment', () => {
  it('lists ids alone where there is one version of each, even of manifests that cannot be read', () => {
    expect(modelIndex([folder('b', 1), { name: 'a', manifest: null }])).toEqual({ models: ['a', 'b'] });
  });

  it('has the latest as stable unless traffic.json says otherwise', () => {
    const of = (traffic?: unknown) => modelIndex(three, traffic).versions?.m;
    expect(of()).toEqual({ latest: 3, kept: [1, 2], stable: 3, canary_percent: 0 });
    expect(of({ m: { stable: 2 } })).toMatchObject({ stable: 2 });
    expect(of({ m: { stable: 2, canary: 3, canary_percent: 12.5 } })).toMatchObject({
      canary: 3,
      canary_percent: 12.5,
    });
  });

  it.each<[string, readonly ModelFolder[], unknown, RegExp]>([
    [
      'a label on a version that is absent',
      three,
      { m: { stable: 7 } },
      /"m": stable is revision 7.*there are 1, 2, 3/,
    ],
    ['a canary that is absent', three, { m: { canary: 4, canary_percent: 1 } }, /"m": canary is revision 4/],
    ['a share above 100', three, { m: { canary: 1, canary_percent: 101 } }, /"m":.*0 to 100.*canary_percent/s],
    ['a share below 0', three, { m: { canary: 1, canary_percent: -1 } }, /"m":.*0 to 100/s],
    ['a share without a canary', three, { m: { canary_percent: 5 } }, /"m": canary_percent is for a canary/],
    ['a field that nobody knows', three, { m: { stabel: 1 } }, /"m":.*stabel/s],
    ['a revision in text', three, { m: { stable: '1' } }, /"m":.*stable/s],
    ['a model that is absent', three, { net: { stable: 1 } }, /"net": there is no models\/net/],
    ['a list', three, [], /no JSON object/],
    ['a kept version of nothing', [folder('m@1', 1)], undefined, /models\/m@1 is a version of models\/m/],
    [
      'a folder named after another revision',
      [folder('m', 3), folder('m@1', 2)],
      undefined,
      /m@1.*is revision 2 of "m"/,
    ],
    ['a folder named after another model', [folder('m', 3), folder('m@1', 1, 'x')], undefined, /m@1.*of "x"/],
    ['one revision twice', [folder('m', 1), folder('m@1', 1)], undefined, /both revision 1/],
    ['a folder without digits', [folder('m', 1), folder('m@old', 1)], undefined, /m@old is no <id>@<revision>/],
    [
      'a kept manifest that cannot be read',
      [folder('m', 2), { name: 'm@1', manifest: null }],
      undefined,
      /m@1.*cannot be read/,
    ],
  ])('is refused with %s, by name', (_name, folders, traffic, says) => {
    expect(() => modelIndex(folders, traffic)).toThrow(says);
  });
});

describe('the share of a canary', () => {
  const seeds = Promise.all(Array.from({ length: 1_000 }, (_, i) => sha256OfText(`picture ${i}`)));
  const versions = (percent: number) => ({ latest: 2, kept: [1], stable: 1, canary: 2, canary_percent: percent });

  it.each([0, 1, 10, 50, 99, 100])(
    'of %i %% of 1,000 is that within four standard deviations, and stays',
    async (percent) => {
      const chosen = (await seeds).map((seed) => speakingOf(versions(percent), seed));
      const share = chosen.filter((revision) => revision === 2).length / 1_000;
      const p = percent / 100;
      expect(Math.abs(share - p)).toBeLessThanOrEqual(4 * Math.sqrt((p * (1 - p)) / 1_000));
      expect((await seeds).map((seed) => speakingOf(versions(percent), seed))).toEqual(chosen);
    },
  );

  it('keeps whom it had when it grows', async () => {
    for (const seed of await seeds) {
      if (speakingOf(versions(10), seed) === 2) expect(speakingOf(versions(11), seed)).toBe(2);
    }
  });
});

describe('the catalogue', () => {
  const models = async () =>
    new Map([
      ['m@1', await memoryVersion('m', 1)],
      ['m', await memoryVersion('m', 2, { crossed: true })],
      ['single', await memoryVersion('single', 5)],
    ]);
  const revision = async (catalogue: Catalogue, name: string) => (await catalogue.get(name)).manifest.revision;

  it('gives each version by number and label, and the stable one where none is named', async () => {
    const catalogue = new Catalogue(memoryAssets(await models(), { m: { stable: 1, canary: 2 } }).assets);
    const names = ['m', 'm@1', 'm@2', 'm@stable', 'm@canary', 'm@002', 'single', 'single@5', 'single@stable'];
    const all = await Promise.all(names.map((name) => revision(catalogue, name)));
    expect(all).toEqual([1, 1, 2, 1, 2, 2, 5, 5, 5]);
    expect((await catalogue.versions('m')).map(({ labels, percent }) => [labels, percent])).toEqual([
      [['canary'], 0],
      [['stable'], 100],
    ]);
  });

  it.each([
    'm@3',
    'm@',
    'm@latest',
    'm@1@2',
    'm@-1',
    'm@1.0',
    'single@canary',
    'single@4',
    'none@1',
    '@1',
    'm@constructor',
  ])('has no %s', async (name) => {
    const catalogue = new Catalogue(memoryAssets(await models(), { m: { stable: 1, canary: 2 } }).assets);
    await expect(catalogue.get(name)).rejects.toMatchObject({ code: 'model-unknown' });
  });

  it('asks whether the model may be used, whatever version is named', async () => {
    const asked: string[] = [];
    const catalogue = new Catalogue(memoryAssets(await models()).assets, (id) => {
      asked.push(id);
      throw new Error('no');
    });
    for (const name of ['m@1', 'm@canary', 'm@9']) await expect(catalogue.get(name)).rejects.toThrow('no');
    await expect(catalogue.versions('m')).rejects.toThrow('no');
    expect(new Set(asked)).toEqual(new Set(['m']));
  });

  it.each([
    ['a label on nothing', { latest: 2, kept: [1], stable: 7, canary_percent: 0 }],
    ['a share above all', { latest: 2, kept: [1], stable: 1, canary: 2, canary_percent: 300 }],
    ['nonsense', 'x'],
    ['another revision than its folder', { latest: 3, kept: [], stable: 3, canary_percent: 0 }],
  ])('with %s in its index refuses that model, and serves others', async (_name, bad) => {
    const { assets } = memoryAssets(await models());
    const index = json({ models: ['m', 'single'], versions: { m: bad } });
    const catalogue = new Catalogue({
      open: async (path) => (path === 'index.json' ? new Response(index).body : assets.open(path)),
    });
    await expect(catalogue.get('m')).rejects.toMatchObject({ code: 'model-broken' });
    expect(await revision(catalogue, 'single')).toBe(5);
    expect((await catalogue.list()).map(({ id }) => id)).toEqual(['single']);
  });
});
