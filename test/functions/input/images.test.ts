import { describe, expect, it } from 'vitest';
import type { ServiceError } from '../../../functions/errors.ts';
import { decodeBase64 } from '../../../functions/input/base64.ts';
import { MAX_IMAGE_BYTES, MAX_IMAGES, picturesOf } from '../../../functions/input/images.ts';
import { parseJsonBody } from '../../../functions/input/json.ts';
import { optionsOfQuery } from '../../../functions/input/options.ts';

const post = (body: BodyInit, type?: string, extra: Record<string, string> = {}) =>
  new Request('https://x/classify/m', {
    method: 'POST',
    body,
    headers: { ...(type && { 'content-type': type }), ...extra },
  });
const bytes = Uint8Array.of(1, 2, 3, 250);

async function code(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return (error as ServiceError).code;
  }
  return 'nothing thrown';
}

describe('the picture in a request', () => {
  it('is the same from raw bytes, a form and JSON', async () => {
    const form = new FormData();
    form.set('image', new Blob([bytes]), 'x.bin');
    for (const request of [
      post(bytes),
      post(bytes, 'text/plain'),
      post(form),
      post('{"image":"AQID+g=="}', 'application/json; charset=utf-8'),
    ]) {
      const { pictures, several } = await picturesOf(request);
      expect([several, ...(await pictures[0]())]).toEqual([false, ...bytes]);
    }
  });

  it('brings the options that stand beside it in JSON', async () => {
    const { options } = await picturesOf(post('{"image":"AQID+g==","top_k":3,"min_score":0.5}', 'application/json'));
    expect(options).toEqual({ top_k: 3, min_score: 0.5 });
    expect(await code(() => picturesOf(post('{"image":"AQID+g==","top_k":0}', 'application/json')))).toBe('bad-json');
  });

  it('is refused above its limit by length, and without a length while it streams', async () => {
    expect(await code(() => picturesOf(post(new Uint8Array(MAX_IMAGE_BYTES + 1))))).toBe('body-too-large');
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536));
        if (sent > 200_000_000) controller.close();
      },
    });
    expect(await code(() => picturesOf(post(endless)))).toBe('body-too-large');
    expect(sent).toBeLessThan(90_000_000);
  });

  it('is taken at exactly its limit', async () => {
    expect((await (await picturesOf(post(new Uint8Array(MAX_IMAGE_BYTES)))).pictures[0]()).length).toBe(
      MAX_IMAGE_BYTES,
    );
  });

  it('is refused when it is not there, twice there, or text', async () => {
    expect(await code(() => picturesOf(post('')))).toBe('body-empty');
    const twice = new FormData();
    twice.append('image', new Blob([bytes]));
    twice.append('image', new Blob([bytes]));
    expect(await code(() => picturesOf(post(twice)))).toBe('bad-request');
    const text = new FormData();
    text.set('image', 'AQID');
    expect(await code(() => picturesOf(post(text)))).toBe('bad-request');
    expect(await code(() => picturesOf(post('no form', 'multipart/form-data; boundary=x')))).toBe('bad-request');
    expect(await code(() => picturesOf(post('no form', 'multipart/form-data')))).toBe('bad-request');
  });
});

describe('several pictures in a request', () => {
  const form = (...names: string[]) => {
    const form = new FormData();
    for (const name of names) form.append(name, new Blob([bytes]));
    return post(form);
  };

  it('come as a list in JSON, or as parts named images; a bad one is found when it is read', async () => {
    const json = await picturesOf(post('{"images":["AQID+g==","%%"],"labels":["Bag"]}', 'application/json'));
    expect([json.several, json.pictures.length, json.options]).toEqual([true, 2, { labels: ['Bag'] }]);
    expect([...(await json.pictures[0]())]).toEqual([...bytes]);
    expect(await code(() => json.pictures[1]?.())).toBe('bad-base64');
    const parts = await picturesOf(form('images', 'images'));
    const both = await Promise.all(parts.pictures.map(async (picture) => [...(await picture())]));
    expect([parts.several, ...both]).toEqual([true, [...bytes], [...bytes]]);
    expect((await picturesOf(form('images'))).several).toBe(true);
  });

  it.each([
    ['{}'],
    ['{"image":"AQID+g==","images":["AQID+g=="]}'],
    ['{"images":[]}'],
    [JSON.stringify({ images: Array(MAX_IMAGES + 1).fill('AQID+g==') })],
    ['{"images":["AQID+g==",1]}'],
    ['{"images":[[]]}'],
  ])('are refused as %s', async (body) => {
    expect(await code(() => picturesOf(post(body, 'application/json')))).toBe('bad-json');
  });

  it('are refused in a form with both names, or too many', async () => {
    expect(await code(() => picturesOf(form('image', 'images')))).toBe('bad-request');
    expect(await code(() => picturesOf(form(...Array(MAX_IMAGES + 1).fill('images'))))).toBe('bad-request');
  });

  it('are refused compressed', async () => {
    expect(await code(() => picturesOf(post(bytes, 'image/png', { 'content-encoding': 'gzip' })))).toBe('bad-request');
  });
});

describe('JSON', () => {
  const parse = (text: string) => parseJsonBody(new TextEncoder().encode(text));
  it.each([
    ['[[[['],
    ['{"a":1,}'],
    ['{"__proto__":{}}'],
    ['{"a":{"constructor":1}}'],
    ['{"a":[{"prototype":1}]}'],
    ['['.repeat(17) + ']'.repeat(17)],
    [`[${'1,'.repeat(10_000)}1]`],
    ['{"\\u005f_proto__":{}}'],
  ])('refuses %s', async (text) => {
    expect(await code(() => parse(text))).toBe('bad-json');
  });
  it('refuses bytes that are no UTF-8, and counts no brackets within strings', async () => {
    expect(await code(() => parseJsonBody(Uint8Array.of(0x22, 0xff, 0x22)))).toBe('bad-json');
    const text = `{"a":"${'['.repeat(100)}\\"${'{'.repeat(100)}"}`;
    expect(parse(text)).toEqual(JSON.parse(text));
  });
});

describe('base64', () => {
  it.each([['AAA'], ['AA=A'], ['AA-_'], ['%%%%'], ['AAAA\nAAAA'], ['A===']])('refuses %j', async (text) => {
    expect(await code(() => decodeBase64(text, 100))).toBe('bad-base64');
  });
  it('takes data URLs, and refuses by length before it decodes', async () => {
    expect([...decodeBase64('data:image/png;base64,AQID', 3)]).toEqual([1, 2, 3]);
    expect(await code(() => decodeBase64('A'.repeat(404), 300))).toBe('body-too-large');
  });
});

describe('options of the query', () => {
  const of = (query: string) => optionsOfQuery(new URLSearchParams(query));
  it('reads labels, once for each', () => expect(of('labels=a&labels=b,c')).toEqual({ labels: ['a', 'b,c'] }));
  it('reads numbers', () => expect(of('top_k=7&min_score=0.25')).toEqual({ top_k: 7, min_score: 0.25 }));
  it.each([
    'top_k=-1',
    'top_k=0',
    'top_k=1001',
    'top_k=',
    'top_k=0x5',
    'top_k=1.5',
    'top_k=nonsense',
    'min_score=2',
    'min_score=NaN',
    'topk=1',
    'top_k=1&top_k=1',
    'labels=',
    `${'labels=a&'.repeat(101)}`,
    '__proto__=1',
  ])('refuses %s', async (query) => {
    expect(await code(() => of(query))).toBe('bad-option');
  });
});
