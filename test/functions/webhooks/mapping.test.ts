import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import botEvent from '../../../functions/webhooks/examples/chat-bot/event.json';
import botMapping from '../../../functions/webhooks/examples/chat-bot/mapping.json';
import cmsEvent from '../../../functions/webhooks/examples/cms/event.json';
import cmsMapping from '../../../functions/webhooks/examples/cms/mapping.json';
import r2Event from '../../../functions/webhooks/examples/r2/event.json';
import r2Mapping from '../../../functions/webhooks/examples/r2/mapping.json';
import { mapped, mappingSchema } from '../../../functions/webhooks/mapping.ts';
import { pointerSchema, valueAt } from '../../../functions/webhooks/pointer.ts';

describe('a JSON Pointer', () => {
  // RFC 6901, section 5.
  const document = JSON.parse(
    String.raw`{"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5, "k\"l": 6, " ": 7, "m~n": 8}`,
  );
  it.each<[string, unknown]>([
    ['', document],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ])('"%s" leads where the RFC says', (pointer, value) => {
    expect(pointerSchema.parse(pointer)).toBe(pointer);
    expect(valueAt(document, pointer)).toEqual(value);
  });

  it.each(['foo', '/~', '/~2', '/a~', '#/foo', '0', `/${'a'.repeat(500)}`])('"%s" is none', (pointer) => {
    expect(pointerSchema.safeParse(pointer).success).toBe(false);
  });

  it.each([
    '/__proto__',
    '/constructor',
    '/constructor/name',
    '/toString',
    '/foo/length',
    '/foo/-',
    '/foo/00',
    '/foo/01',
    '/foo/+0',
    '/foo/ 0',
    '/foo/2',
    '/foo/-1',
    '/foo/map',
    '/foo/0/length',
    '/foo/0/0',
    '/foo/*',
    '/nothing/more',
  ])('"%s" leads nowhere', (pointer) => {
    expect(valueAt(document, pointer)).toBeUndefined();
  });

  it('leads to names that objects have by themselves, where the JSON has them too', () => {
    const own = JSON.parse('{"__proto__": {"url": "a"}, "constructor": "Ferrari", "length": 3}');
    expect(['/__proto__/url', '/constructor', '/length'].map((pointer) => valueAt(own, pointer))).toEqual([
      'a',
      'Ferrari',
      3,
    ]);
    for (const value of [null, 1, 'text', true, undefined]) expect(valueAt(value, '/length')).toBeUndefined();
  });

  it('leads to every value of any JSON, written by its path, and never throws', () => {
    let led = 0;
    const walk = (root: unknown, value: unknown, pointer: string) => {
      expect(valueAt(root, pointer)).toBe(value);
      led++;
      if (typeof value !== 'object' || value === null) return;
      for (const [key, inner] of Object.entries(value)) {
        walk(root, inner, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
      }
    };
    fc.assert(
      fc.property(fc.json(), fc.string(), (json, text) => {
        const value: unknown = JSON.parse(json);
        walk(value, value, '');
        if (pointerSchema.safeParse(`/${text}`).success) valueAt(value, `/${text}`);
      }),
      { numRuns: 300 },
    );
    expect(led).toBeGreaterThan(500);
  });
});

const map = (mapping: unknown, event: unknown) => mapped(mappingSchema.parse(mapping), event);

describe('the examples', () => {
  it('of a CMS names two pictures, and brings its entry back', () => {
    expect(map(cmsMapping, cmsEvent)).toEqual({
      images: [
        { id: 'front.jpg', url: 'https://cms.example/uploads/front_5e1f.jpg' },
        { id: 'side.jpg', url: 'https://cms.example/uploads/side_77ac.jpg' },
      ],
      metadata: { entry: 7, title: 'Ankle boot, black' },
    });
    expect(map(cmsMapping, { ...cmsEvent, event: 'entry.delete' })).toEqual({ ignored: '/event is another' });
    const without = { ...cmsEvent, entry: { ...cmsEvent.entry, photos: [] } };
    expect(map(cmsMapping, without)).toEqual({ ignored: 'there is no picture at /entry/photos/url' });
  });

  it('of R2 names the object where it can be fetched', () => {
    const image = { id: '2026/ankle boot #1.jpg', url: 'https://photos.shop.example/2026/ankle%20boot%20%231.jpg' };
    expect(map(r2Mapping, r2Event)).toEqual({
      images: [image],
      metadata: { bucket: 'shop-photos', eTag: 'c846ff7a18f28c2e262116d6e8719ef0' },
    });
    expect(map(r2Mapping, { ...r2Event, action: 'DeleteObject' })).toHaveProperty('ignored');
  });

  it('of a chat bot names what is attached, and brings the channel back', () => {
    expect(map(botMapping, botEvent)).toEqual({
      images: [{ id: '1309512764506800200', url: 'https://cdn.chat.example/attachments/find.png?ex=67' }],
      metadata: { channel: '290926798999357250', message: '1309512764817047552', author: '53908099506183680' },
    });
  });
});

describe('a mapping', () => {
  it.each([
    ['//evil.example/a.png', 'https://cdn.example/p/evil.example/a.png'],
    ['https://evil.example/', 'https://cdn.example/p/https%3A/evil.example'],
    ['\\\\evil.example\\a', 'https://cdn.example/p/%5C%5Cevil.example%5Ca'],
    ['a?b#c%2e', 'https://cdn.example/p/a%3Fb%23c%252e'],
    ['a@b:80', 'https://cdn.example/p/a%40b%3A80'],
    ['/uploads/ü.png', 'https://cdn.example/p/uploads/%C3%BC.png'],
    ['%2e%2e/secret', 'https://cdn.example/p/%252e%252e/secret'],
  ])('with a base has the key %s below it', (key, url) => {
    expect(map({ url: '/key', base: 'https://cdn.example/p/' }, { key })).toEqual({ images: [{ url }] });
    expect(new URL(url).href).toBe(url);
  });

  it.each(['../secret', 'a/../../secret', './a', '..', '/', '\ud800'])('with a base refuses the key %j', (key) => {
    expect(map({ url: '/key', base: 'https://cdn.example/p/' }, { key })).toHaveProperty('ignored');
  });

  it('with a base leads out of it by no key at all', () => {
    let below = 0;
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (key) => {
        const made = map({ url: '/key', base: 'https://cdn.example/p/' }, { key });
        if ('ignored' in made) return;
        below++;
        expect(new URL(made.images[0]?.url ?? '').href.startsWith('https://cdn.example/p/')).toBe(true);
      }),
    );
    expect(below).toBeGreaterThan(50);
  });

  it('takes from any JSON only texts as addresses, and scalars as metadata', () => {
    fc.assert(
      fc.property(fc.json(), fc.json(), (url, meta) => {
        const made = map({ url: '/url', metadata: { m: '/meta' } }, { url: JSON.parse(url), meta: JSON.parse(meta) });
        if ('ignored' in made) expect(JSON.parse(url) === '' || typeof JSON.parse(url) !== 'string').toBe(true);
        else for (const value of Object.values(made.metadata ?? {})) expect(typeof value).not.toBe('object');
      }),
    );
  });

  it('of the whole event, of a list at its root, and of one thing that is no list', () => {
    expect(map({ url: '/u' }, { u: 'a' })).toEqual({ images: [{ url: 'a' }] });
    expect(map({ url: '' }, ['a', 'b', 3, null])).toEqual({ images: [{ url: 'a' }, { url: 'b' }] });
    expect(map({ each: '/one', url: '/u' }, { one: { u: 'a' } })).toEqual({ images: [{ url: 'a' }] });
  });

  it('names pictures only by what tells them apart', () => {
    const mapping = { url: '/u', id: '/n' };
    const of = (...names: unknown[]) => map({ ...mapping, each: '/l' }, { l: names.map((n) => ({ u: 'a', n })) });
    expect(of('x', 2)).toEqual({
      images: [
        { id: 'x', url: 'a' },
        { id: '2', url: 'a' },
      ],
    });
    for (const names of [
      ['x', 'x'],
      ['x', null],
      ['', 'x'],
      ['2', 2],
    ]) {
      expect(of(...names)).toEqual({ images: [{ url: 'a' }, { url: 'a' }] });
    }
  });

  it('takes 100 pictures and not 101', () => {
    const list = (n: number) => Array.from({ length: n }, () => 'a');
    expect(map({ url: '' }, list(100))).toHaveProperty('images.length', 100);
    expect(map({ url: '' }, list(101))).toEqual({ ignored: 'there are 101 pictures; 100 are the most' });
  });

  it.each([
    [{}],
    [{ url: 'no pointer' }],
    [{ url: '/a', base: 'https://cdn.example/no-slash' }],
    [{ url: '/a', script: 'alert()' }],
    [{ url: '/a', when: { '/event': [] } }],
    [{ url: '/a', when: { event: ['x'] } }],
    [{ url: '/a', metadata: { m: 'no pointer' } }],
  ])('%j is none', (mapping) => {
    expect(mappingSchema.safeParse(mapping).success).toBe(false);
  });
});
