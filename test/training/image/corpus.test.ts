import { readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { ModelInput } from '../../../functions/catalogue/manifest.ts';
import { ServiceError } from '../../../functions/errors.ts';
import { MAX_FILE_BYTES } from '../../../functions/image/header.ts';
import { preprocess, preprocessRaster } from '../../../functions/image/preprocess.ts';
import { DECODER_BYTES, MemoryBudget } from '../../../functions/memory-budget.ts';
import { shared } from '../../fixtures/shared.ts';

/** One of 550 pictures of other decoders' test suites, with what a reference decoder said of it. */
interface Entry {
  readonly file: string;
  readonly bytes: number;
  readonly format: 'png' | 'jpeg' | 'gif' | 'webp' | 'avif' | 'heic';
  readonly expect: 'decode' | 'error' | 'partial-or-error' | 'refuse' | 'refuse-or-decode' | 'refuse-or-bounded';
  /** Size after Exif orientation. */
  readonly upright?: readonly [width: number, height: number];
  /** base64 of 8x8 RGB: the upright picture, box-filtered (bilinear where a side is under 8), over white. */
  readonly thumb8?: string;
  readonly components?: number;
  readonly sampling?: string;
}

const folder = shared('data/images');
const entries: Entry[] = folder ? JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) : [];
const decoder = (format: string) =>
  new WebAssembly.Module(
    readFileSync(path.join(import.meta.dirname, `../../../functions/image/${format}/build/decoder.wasm`)),
  );
const codecs = { jpeg: decoder('jpeg'), webp: decoder('webp'), avif: decoder('avif') };
const budget = new MemoryBudget(120_000_000);

type Outcome = { readonly pixels: Uint8Array } | { readonly error: unknown };

const thumbnailInput = (filter: 'bilinear' | 'area'): ModelInput => ({
  width: 8,
  height: 8,
  channels: 'rgb',
  resize: { rule: 'stretch', width: 8, height: 8, filter },
  scale: [1],
  offset: [0],
});

async function thumbnail(entry: Entry): Promise<Outcome> {
  const filter = Math.min(...(entry.upright ?? [8])) < 8 ? 'bilinear' : 'area';
  const input = thumbnailInput(filter);
  try {
    return { pixels: await preprocess(readFileSync(path.join(folder ?? '', entry.file)), input, codecs, budget) };
  } catch (error) {
    return { error };
  }
}

/** The manifest has none of AVIFs: libheif's pixels. */
async function reference({ file, thumb8 }: Entry): Promise<Uint8Array> {
  if (thumb8 !== undefined) return Buffer.from(thumb8, 'base64');
  const { data, info } = await sharp(path.join(folder ?? '', file))
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return preprocessRaster({ width: info.width, height: info.height, channels: 3, data }, thumbnailInput('area'));
}

function meanDifference(pixels: Uint8Array, expected: Uint8Array): number {
  expect(expected.length).toBe(pixels.length);
  return expected.reduce((sum, value, i) => sum + Math.abs(value - (pixels[i] ?? 0)), 0) / expected.length;
}

/** What the boxes of a 12-megapixel AVIF ask of memory is more than an isolate has. */
const within = ({ file, bytes }: Entry) => bytes <= MAX_FILE_BYTES && file !== 'avif/vips--avif-orientation-6.avif';
const codeOf = (outcome: Outcome) =>
  'error' in outcome && outcome.error instanceof ServiceError ? outcome.error.code : undefined;
const readable = (entry: Entry) => entry.format !== 'heic';
/** Where the references are not right, or cannot read the file. */
const MISREAD = [
  // tRNS was compared with the widened sample, or not at all; PNG's section 11.3.2.1 asks otherwise.
  'png/libpng--gray-4-1.8-tRNS.png',
  'png/pillow--i_trns.png',
  // Where the first frame is not, Pillow shows the background's colour; browsers show nothing.
  'gif/wuffs--frame-out-of-bounds.gif',
  'gif/wuffs--multiple-loop-counts.gif',
  // Sharp does not read a sequence.
  'avif/libavif--colors-animated-12bpc-keyframes-0-2-3.avif',
  'avif/libavif--colors-animated-8bpc-depth-exif-xmp.avif',
  'avif/pillow--star.avifs',
  // libheif takes limited grey, and limited alpha, for full.
  'avif/linku--fox.profile2.12bpc.yuv422.monochrome.avif',
  'avif/linku--plum-blossom-small.profile2.12bpc.yuv444.alpha-limited.avif',
  // Sharp applies the colour profile of a display, which no decoder here does.
  'avif/pillow--xmp_tags_orientation.avif',
];
/** Pillow cannot read a later frame; libavif refuses what it reads in other versions. Read or refused, both will do. */
const DISPUTED = [
  'gif/seeds--id_001679_src_000973+001644_op_splice_rep_64.gif',
  'avif/libavif--draw_points_idat_progressive_metasize0.avif',
];
describe.skipIf(!folder)('pictures of other decoders (shared data/images; skipped where FIXTURES_DIR lacks it)', () => {
  const valid = entries.filter(
    (entry) => entry.expect === 'decode' && readable(entry) && within(entry) && !MISREAD.includes(entry.file),
  );

  it('are many', () => {
    expect(valid.filter(({ format }) => format === 'png').length).toBe(114);
    expect(valid.filter(({ format }) => format === 'jpeg').length).toBe(151);
  });

  it.each(valid)('$file is decoded as by the reference', async (entry) => {
    const outcome = await thumbnail(entry);
    if ('error' in outcome) throw outcome.error;
    expect(meanDifference(outcome.pixels, await reference(entry))).toBeLessThan(4);
  });

  it.each(entries.filter((entry) => entry.expect === 'decode' && readable(entry) && !within(entry)))(
    '$file is too large',
    async (entry) => expect(codeOf(await thumbnail(entry))).toBe('image-too-large'),
  );

  it.each(entries.filter((entry) => !readable(entry) && entry.expect === 'decode'))(
    '$file is refused as unsupported',
    async (entry) => expect(codeOf(await thumbnail(entry))).toBe('image-unsupported'),
  );

  const refused = entries.filter(
    ({ expect, file }) => ['error', 'refuse'].includes(expect) && !DISPUTED.includes(file),
  );
  it.each(refused)('$file is refused', async (entry) => {
    expect(codeOf(await thumbnail(entry))).toMatch(/^image-/);
  });

  it.each(entries.filter(({ expect, file }) => /partial|-or-/.test(expect) || DISPUTED.includes(file)))(
    '$file does no harm',
    async (entry) => {
      const outcome = await thumbnail(entry);
      if ('error' in outcome) expect(codeOf(outcome)).toMatch(/^image-/);
    },
  );

  it('left no memory reserved but the idle decoders', async () => {
    await new Promise((resolve) => setTimeout(resolve, 4_100));
    const release = await budget.reserve(budget.totalBytes - 3 * DECODER_BYTES, { timeoutMs: 0 });
    release();
  });
});
