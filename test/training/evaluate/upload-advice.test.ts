import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { uploadSchema } from '../../../functions/catalogue/upload.ts';
import { PHOTO_EDGE, type Photo, photoOf } from '../../../training/evaluate/photos.ts';
import { adviceOf, tryUploads } from '../../../training/evaluate/upload-advice.ts';

/** Photos that a class is read off as their first byte; below `needs` pixels it is another. */
async function* photosNeeding(needs: readonly number[]): AsyncGenerator<Photo> {
  for (const least of needs) {
    yield {
      file: Uint8Array.of(7),
      longestEdge: 4032,
      enlarged: false,
      shrunk: async (edge) => async (quality) => new Uint8Array(Math.round(edge * quality)).fill(edge < least ? 3 : 7),
    };
  }
}
const trial = (needs: readonly number[], goal: number) =>
  tryUploads({
    classOf: async (file) => file[0] ?? -1,
    photos: photosNeeding(needs),
    count: needs.length,
    edges: [400, 100, 200],
    qualities: [1],
    goal,
  });
const facts = { enlarged: 0, dataset: 'some' };

describe('tryUploads', () => {
  it('finds the smallest edge that keeps enough first classes', async () => {
    const needs = [...Array(8).fill(100), 150, 300];
    const attempts = await trial(needs, 0.9);
    expect(attempts.map(({ longestEdge, same, stopped }) => [longestEdge, same, stopped])).toEqual([
      [100, 8, false],
      [200, 9, false],
      [400, 10, false],
    ]);
    const advice = adviceOf(attempts, 0.9, facts);
    expect(uploadSchema.parse(advice)).toEqual(advice);
    expect(advice).toMatchObject({ longestEdge: 200, agreement: 0.9, images: 10, typicalBytes: 200, maxBytes: 200 });
    expect(adviceOf(attempts, 1, facts)).toMatchObject({ longestEdge: 400, agreement: 1 });
  });

  it('gives a size up that has lost too many, but knows the last of all pictures', async () => {
    const attempts = await trial(Array(10).fill(500), 0.995);
    expect(attempts.map(({ bytes, stopped }) => [bytes.length, stopped])).toEqual([
      [1, true],
      [1, true],
      [10, false],
    ]);
    expect(adviceOf(attempts, 0.995, facts)).toMatchObject({
      longestEdge: null,
      agreement: 0,
      images: 10,
      tried: [100, 200, 400],
    });
  });
});

describe('photoOf', () => {
  it('enlarges what is no photo, and shrinks upright to the edge', async () => {
    const picture = sharp({ create: { width: 40, height: 20, channels: 3, background: 'red' } });
    // Orientation 6: to be turned by 90 degrees, so that it is 20 wide.
    const turned = await picture.withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const photo = await photoOf(turned, false);
    expect(photo).toMatchObject({ enlarged: true, longestEdge: PHOTO_EDGE });
    const small = await (await photo.shrunk(100))(0.9);
    expect(await sharp(small).metadata()).toMatchObject({
      format: 'jpeg',
      width: 50,
      height: 100,
      chromaSubsampling: '4:2:0',
    });
  });

  it('shows a garment dark on white, with room around it', async () => {
    const garment = await sharp({ create: { width: 28, height: 28, channels: 3, background: 'white' } })
      .png()
      .toBuffer();
    const photo = await photoOf(garment, true);
    const { data, info } = await sharp(await (await photo.shrunk(84))(1))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info.width).toBe(84);
    expect(data[0]).toBeGreaterThan(250);
    expect(data[(42 * 84 + 42) * 3]).toBeLessThan(5);
  });
});
