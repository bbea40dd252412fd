import { describe, expect, it } from 'vitest';
import type { ModelInput } from '../../../functions/catalogue/manifest.ts';
import { type ErrorCode, ServiceError } from '../../../functions/errors.ts';
import jpeg from '../../../functions/image/jpeg/build/decoder.wasm';
import { preprocess } from '../../../functions/image/preprocess.ts';
import { MemoryBudget } from '../../../functions/memory-budget.ts';
import { JPEGS } from './jpegs.ts';
import { type PngParts, pngFile } from './png-file.ts';

const budget = new MemoryBudget(100_000_000);
const bytes = (base64: string) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
const text = (value: string) => new TextEncoder().encode(value);

function input(width: number, height: number, channels: ModelInput['channels'] = 'rgb'): ModelInput {
  return {
    width,
    height,
    channels,
    resize: { rule: 'stretch', width, height, filter: 'area' },
    scale: [1],
    offset: [0],
  };
}

async function pixels(parts: PngParts, channels: ModelInput['channels'] = 'rgb'): Promise<number[]> {
  return [...(await preprocess(await pngFile(parts), input(parts.width, parts.height, channels), { jpeg }, budget))];
}

async function refusal(file: Uint8Array): Promise<{ code: ErrorCode; message: string }> {
  try {
    await preprocess(file, input(28, 28), { jpeg }, budget);
  } catch (error) {
    if (error instanceof ServiceError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

describe('PNG of every kind', () => {
  it('1, 2 and 4 bits of grey are spread to 0…255', async () => {
    expect(await pixels({ width: 3, height: 1, bitDepth: 1, rows: [0, 0b10100000] }, 'grey')).toEqual([255, 0, 255]);
    expect(await pixels({ width: 4, height: 1, bitDepth: 2, rows: [0, 0b00011011] }, 'grey')).toEqual([
      0, 85, 170, 255,
    ]);
    expect(await pixels({ width: 3, height: 1, bitDepth: 4, rows: [0, 0x0f, 0x30] }, 'grey')).toEqual([0, 255, 51]);
  });

  it('16 bits are divided by 257 and rounded', async () => {
    const rows = [0, 0x00, 0x80, 0x00, 0x81, 0xff, 0xff, 0x12, 0x34];
    expect(await pixels({ width: 4, height: 1, bitDepth: 16, rows }, 'grey')).toEqual([0, 1, 255, 18]);
  });

  it('a palette with transparent entries lies on white', async () => {
    const before = [
      ['PLTE', [10, 20, 30, 200, 0, 0]],
      ['tRNS', [255, 51]],
    ] as const;
    const parts = { width: 2, height: 1, colourType: 3, rows: [0, 0, 1], before };
    expect(await pixels(parts)).toEqual([10, 20, 30, 244, 204, 204]);
    expect(await pixels({ ...parts, bitDepth: 4, rows: [0, 0x10] })).toEqual([244, 204, 204, 10, 20, 30]);
  });

  it('grey with alpha, and RGB with alpha, lie on white', async () => {
    expect(await pixels({ width: 3, height: 1, colourType: 4, rows: [0, 100, 255, 100, 0, 0, 51] }, 'grey')).toEqual([
      100, 255, 204,
    ]);
    expect(await pixels({ width: 2, height: 1, colourType: 6, rows: [0, 1, 2, 3, 255, 9, 9, 9, 0] })).toEqual([
      1, 2, 3, 255, 255, 255,
    ]);
  });

  it('one colour made transparent by tRNS', async () => {
    const rows = [0, 1, 2, 3, 1, 2, 4];
    const parts = { width: 2, height: 1, colourType: 2, rows, before: [['tRNS', [0, 1, 0, 2, 0, 3]]] as const };
    expect(await pixels(parts)).toEqual([255, 255, 255, 1, 2, 4]);
    const deep = { width: 2, height: 1, bitDepth: 16, rows: [0, 1, 0, 1, 1], before: [['tRNS', [1, 1]]] as const };
    expect(await pixels(deep, 'grey')).toEqual([1, 255]);
  });

  it('every filter', async () => {
    const rows = [0, 10, 20, 30, 1, 5, 1, 1, 2, 5, 4, 3, 3, 10, 10, 10, 4, 1, 1, 1];
    const expected = [10, 20, 30, 5, 6, 7, 10, 10, 10, 15, 22, 26, 16, 23, 27];
    expect(await pixels({ width: 3, height: 5, rows }, 'grey')).toEqual(expected);
  });

  it('Adam7: 2x2 comes in passes 1, 6 and 7', async () => {
    expect(await pixels({ width: 2, height: 2, interlace: 1, rows: [0, 1, 0, 2, 0, 3, 4] }, 'grey')).toEqual([
      1, 2, 3, 4,
    ]);
  });

  it('turned by its eXIf chunk', async () => {
    const exif = [...text('MM'), 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0];
    const file = await pngFile({ width: 2, height: 1, rows: [0, 7, 9], before: [['eXIf', exif]] });
    expect([...(await preprocess(file, input(1, 2, 'grey'), { jpeg }, budget))]).toEqual([7, 9]);
    const back = await pngFile({ width: 2, height: 1, rows: [0, 7, 9], before: [['eXIf', exif.with(19, 8)]] });
    expect([...(await preprocess(back, input(1, 2, 'grey'), { jpeg }, budget))]).toEqual([9, 7]);
  });
});

describe('JPEG', () => {
  /** The four quarters, averaged, as made by test/fixtures/images/jpegs.ts. */
  async function quarters(file: Uint8Array, width = 4, height = 2): Promise<number[][]> {
    const rgb = await preprocess(file, input(width, height), { jpeg }, budget);
    const corner = (x: number, y: number) => [...rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
    return [corner(0, 0), corner(width - 1, 0), corner(0, height - 1), corner(width - 1, height - 1)];
  }
  const [red, green, blue, white] = [
    [220, 40, 30],
    [30, 180, 60],
    [40, 50, 200],
    [230, 220, 210],
  ] as const;
  const near = (found: number[][], wanted: (readonly number[])[], within = 8) =>
    expect(
      found.flat().every((value, i) => Math.abs(value - (wanted.flat()[i] ?? 999)) < within),
      `${found}`,
    ).toBe(true);

  it('baseline and progressive', async () => {
    near(await quarters(bytes(JPEGS.baseline)), [red, green, blue, white]);
    near(await quarters(bytes(JPEGS.progressive)), [red, green, blue, white]);
  });

  it('CMYK, without its profile', async () => {
    near(await quarters(bytes(JPEGS.cmyk)), [red, green, blue, white], 80);
  });

  it('turned upright', async () => near(await quarters(bytes(JPEGS.orientation6), 2, 4), [blue, red, white, green]));

  it('is answered after damaged ones, side by side, and gives its memory back', async () => {
    const cut = bytes(JPEGS.baseline).slice(0, -8);
    const broken = bytes(JPEGS.progressive).fill(0x55, 200, 230);
    const all = await Promise.allSettled(
      [cut, bytes(JPEGS.baseline), broken, bytes(JPEGS.progressive), cut].map((file) => quarters(file)),
    );
    expect(all.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled', 'rejected']);
    const idleDecoder = budget.totalBytes - budget.freeBytes;
    expect(idleDecoder).toBeLessThan(300_000);
    const release = await budget.reserve(budget.totalBytes - idleDecoder, { timeoutMs: 10 });
    release();
    near(await quarters(bytes(JPEGS.baseline)), [red, green, blue, white]);
  });
});

describe('memory', () => {
  it('is waited for; the decoder is kept, and is not asked for twice', async () => {
    const small = new MemoryBudget(260_000);
    const decode = () => preprocess(bytes(JPEGS.baseline), input(4, 2), { jpeg }, small);
    const expected = await decode();
    const { freeBytes } = small;
    expect(freeBytes).toBeLessThan(70_000);
    const release = await small.reserve(freeBytes, { timeoutMs: 10 });
    await expect(small.reserve(1, { timeoutMs: 10 })).rejects.toMatchObject({ code: 'busy' });
    const waiting = decode();
    setTimeout(release, 50);
    expect(await waiting).toEqual(expected);
    expect(small.freeBytes).toBe(freeBytes);
  });

  it('that can never be had is refused as too large', async () => {
    const file = bytes(JPEGS.baseline);
    const refused = preprocess(file, input(4, 2), { jpeg }, new MemoryBudget(100_000));
    await expect(refused).rejects.toMatchObject({ code: 'image-too-large', message: expect.stringContaining('MB') });
  });
});

describe('what is refused', () => {
  const lying = () => pngFile({ width: 50_000, height: 50_000, rows: [0] });
  const patched = (from: number[], to: number[]) => {
    const file = bytes(JPEGS.baseline);
    const at = file.findIndex((_, i) => from.every((value, k) => file[i + k] === value));
    file.set(to, at);
    return file;
  };
  const frame = [0xff, 0xc0, 0, 17, 8];
  it.each<[string, () => Uint8Array | Promise<Uint8Array>, ErrorCode, RegExp]>([
    ['nothing', () => new Uint8Array(), 'image-unsupported', /no picture/],
    ['text', () => text('hello'), 'image-unsupported', /no picture/],
    ['HTML', () => text('<html>'), 'image-unsupported', /text/],
    ['a GIF of a header', () => text('GIF89a…'), 'image-damaged', /GIF/],
    ['a WebP of a header', () => text('RIFF....WEBPVP8 '), 'image-damaged', /WebP/],
    ['an AVIF of a header', () => text('\0\0\0\x1cftypavif\0\0\0\0'), 'image-damaged', /AVIF/],
    ['a HEIC', () => text('\0\0\0\x1cftypheic\0\0\0\0'), 'image-unsupported', /HEIC.*Most Compatible/],
    ['a PNG of 50,000 x 50,000', lying, 'image-too-large', /50000x50000/],
    [
      'a JPEG of 65,535 x 65,535',
      () => patched([...frame, 0, 16, 0, 32], [...frame, 255, 255, 255, 255]),
      'image-damaged',
      /cut short/,
    ],
    ['more bytes than the limit', () => new Uint8Array(10_000_001), 'image-too-large', /10000001 bytes/],
    ['a PNG without size', () => pngFile({ width: 0, height: 5, rows: [0] }), 'image-damaged', /0x5/],
    [
      'a PNG cut short',
      async () => (await pngFile({ width: 9, height: 1, rows: [0, ...'123456789'].map(Number) })).slice(0, 60),
      'image-damaged',
      /cut short/,
    ],
    ['a PNG with too few rows', () => pngFile({ width: 2, height: 2, rows: [0, 1, 2] }), 'image-damaged', /cut short/],
    [
      'a PNG with too many rows',
      () => pngFile({ width: 2, height: 1, rows: [0, 1, 2, 0, 1, 2] }),
      'image-damaged',
      /more of them/,
    ],
    ['a filter that does not exist', () => pngFile({ width: 1, height: 1, rows: [5, 1] }), 'image-damaged', /filter 5/],
    [
      'a depth that does not exist',
      () => pngFile({ width: 1, height: 1, bitDepth: 3, rows: [0, 1] }),
      'image-damaged',
      /3 bits/,
    ],
    [
      'a palette picture without palette',
      () => pngFile({ width: 1, height: 1, colourType: 3, rows: [0, 1] }),
      'image-damaged',
      /palette/,
    ],
    ['arithmetic coding', () => patched(frame, [0xff, 0xc9, 0, 17, 8]), 'image-unsupported', /arithmetic/],
    ['lossless JPEG', () => patched(frame, [0xff, 0xc3, 0, 17, 8]), 'image-unsupported', /lossless/],
    ['12 bits', () => patched(frame, [0xff, 0xc1, 0, 17, 12]), 'image-unsupported', /12 bits/],
    ['half a JPEG header', () => bytes(JPEGS.baseline).slice(0, 30), 'image-damaged', /header|begins/],
  ])('%s', async (_, file, code, says) => {
    const error = await refusal(await file());
    expect(error.code).toBe(code);
    expect(error.message).toMatch(says);
  });

  it('damage to one chunk of a PNG is seen by its checksum', async () => {
    const file = await pngFile({ width: 3, height: 1, rows: [0, 1, 2, 3] });
    for (let at = 8; at < file.length; at++) {
      const broken = file.slice();
      broken[at] = (broken[at] ?? 0) ^ 4;
      expect((await refusal(broken)).code).toMatch(/^image-(damaged|too-large)$/);
    }
  });
});
