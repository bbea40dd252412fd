import { describe, expect, it } from 'vitest';
import type { ModelInput } from '../../functions/catalogue/manifest.ts';
import { edgeImages } from '../../functions/edge-images.ts';
import jpeg from '../../functions/image/jpeg/build/decoder.wasm';
import { preprocess } from '../../functions/image/preprocess.ts';
import { MemoryBudget } from '../../functions/memory-budget.ts';
import { JPEGS } from './image/jpegs.ts';

const HEIC = new TextEncoder().encode('\0\0\0\x1cftypheic\0\0\0\0mif1heic');
const photo = Uint8Array.from(atob(JPEGS.baseline), (character) => character.charCodeAt(0));
const input: ModelInput = {
  width: 4,
  height: 2,
  channels: 'rgb',
  resize: { rule: 'stretch', width: 4, height: 2, filter: 'area' },
  scale: [1],
  offset: [0],
};

/** As much of the binding as is used: it notes what it was asked, and gives `answer`. */
function images(answer: () => Response) {
  const asked: unknown[] = [];
  const transformer = {
    transform(how: unknown) {
      asked.push(how);
      return transformer;
    },
    async output(how: unknown) {
      asked.push(how);
      return { response: answer };
    },
  };
  const binding = {
    input(stream: ReadableStream<Uint8Array>) {
      asked.push(new Response(stream).arrayBuffer());
      return transformer;
    },
  };
  return { asked, IMAGES: binding as unknown as ImagesBinding };
}

describe('the Images binding', () => {
  it('makes a JPEG of a HEIC, which is then read as any other', async () => {
    const { asked, IMAGES } = images(() => new Response(photo));
    const { fromHeic } = edgeImages({ IMAGES });
    const codecs = { jpeg, ...(fromHeic && { fromHeic }) };
    const budget = new MemoryBudget(10_000_000);
    expect(await preprocess(HEIC, input, codecs, budget)).toEqual(await preprocess(photo, input, { jpeg }, budget));
    const [sent, side, format] = asked;
    expect(new Uint8Array((await sent) as ArrayBuffer)).toEqual(HEIC);
    expect(side).toEqual({ width: 1024, height: 1024, fit: 'scale-down' });
    expect(format).toEqual({ format: 'image/jpeg' });
  });

  it('fails as a damaged picture does', async () => {
    const { IMAGES } = images(() => {
      throw new Error('9412');
    });
    await expect(edgeImages({ IMAGES }).fromHeic?.(HEIC)).rejects.toMatchObject({ code: 'image-damaged' });
  });

  it('is not needed', () => expect(edgeImages({})).toEqual({}));
});
