import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import factory from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import sharp from 'sharp';
import { readJpegHeader } from '../../functions/image/jpeg/markers.ts';
import { planOf, sideFor } from '../../functions/image/jpeg/plan.ts';
import { preprocess, preprocessRaster } from '../../functions/image/preprocess.ts';
import type { Raster } from '../../functions/image/rows.ts';
import { MemoryBudget } from '../../functions/memory-budget.ts';
import { presetInput } from '../../training/compile/presets.ts';
import { loadServedModel } from '../../training/evaluate/served-model.ts';
import { shared } from '../fixtures/shared.ts';
import { BenchError } from './networks.ts';
import { spread } from './statistics.ts';

const root = path.join(import.meta.dirname, '../..');
const compile = (file: string) => new WebAssembly.Module(readFileSync(path.join(root, file)));

/** ResNet-50's. */
const INPUT = presetInput('imagenet-torch', [224, 224, 3]);
const ENLARGED = { width: 4032, height: 3024, fit: 'fill', kernel: 'lanczos3' } as const;

interface Codec {
  readonly HEAPU8: Uint8Array;
  decode(bytes: Uint8Array, preserveOrientation: boolean): { width: number; height: number; data: Uint8ClampedArray };
}

function mozjpeg(): Promise<Codec> {
  const module = compile('node_modules/@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm');
  const create = factory as unknown as (options: object) => Promise<Codec>;
  return create({
    instantiateWasm: (imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) => {
      const instance = new WebAssembly.Instance(module, imports);
      done(instance);
      return instance.exports;
    },
  });
}

function fullRaster(codec: Codec, file: Uint8Array): Raster {
  const { width, height, data: rgba } = codec.decode(file, false);
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    for (let c = 0; c < 3; c++) data[to + c] = rgba[from + c] as number;
  }
  return { width, height, channels: 3, data };
}

async function milliseconds(run: () => unknown): Promise<number> {
  const started = performance.now();
  await run();
  return performance.now() - started;
}

/**
 * `npm run bench -- images`: a JPEG of 12 megapixels to ResNet-50's input, in Node, one thread, in turns: this decoder,
 * jSquash's and a resize of its frame, sharp's shrink-on-load; then how often ResNet-50 names the same class for the
 * reduced picture and the whole one.
 * @param samples of the sample images, enlarged, for the agreement
 */
export async function benchImages(rounds: number, samples: number): Promise<Record<string, unknown>[]> {
  const folder = shared('data/imagenet-sample');
  if (!folder)
    throw new BenchError('the pictures are made of shared data/imagenet-sample (FIXTURES_DIR), which is not there');
  const names = readdirSync(folder).filter((name) => name.endsWith('.JPEG'));
  const enlarged = (name: string, progressive = false) =>
    sharp(path.join(folder, name))
      .toColourspace('srgb')
      .resize(ENLARGED)
      .jpeg({ quality: 90, chromaSubsampling: '4:2:0', progressive })
      .toBuffer();
  sharp.concurrency(1);
  const jpeg = compile('functions/image/jpeg/build/decoder.wasm');
  const budget = new MemoryBudget(120_000_000);
  const codec = await mozjpeg();
  const rows: Record<string, unknown>[] = [];
  for (const progressive of [false, true]) {
    const file = await enlarged(names[0] ?? '', progressive);
    const ours: number[] = [];
    const jsquash: number[] = [];
    const shrinking: number[] = [];
    for (let round = 0; round < rounds; round++) {
      ours.push(await milliseconds(() => preprocess(file, INPUT, { jpeg }, budget)));
      jsquash.push(await milliseconds(() => preprocessRaster(fullRaster(codec, file), INPUT)));
      shrinking.push(await milliseconds(() => sharp(file).resize({ width: 341, height: 256 }).raw().toBuffer()));
    }
    const medians = [ours, jsquash, shrinking].map((times) => spread(times).median);
    const [own = 0, full = 0, shrunk = 0] = medians;
    const header = readJpegHeader(file);
    rows.push({
      picture: `4032x3024 4:2:0 ${progressive ? 'progressive' : 'baseline'}`,
      fileBytes: file.length,
      kernelBytes: planOf(header, sideFor(header, { width: 341, height: 256 })).totalBytes,
      heldBytes: budget.totalBytes - budget.freeBytes,
      jsquashBytes: codec.HEAPU8.length,
      medianMs: own,
      jsquashMs: full,
      sharpMs: shrunk,
      timesFasterThanJsquash: full / own,
      timesSharp: own / shrunk,
    });
  }
  rows.push(await agreement(names, samples, enlarged, codec, jpeg));
  return rows;
}

async function agreement(
  names: readonly string[],
  samples: number,
  enlarged: (name: string) => Promise<Buffer>,
  codec: Codec,
  jpeg: WebAssembly.Module,
) {
  const { classifier } = await loadServedModel(path.join(root, 'models/resnet50'));
  const budget = new MemoryBudget(120_000_000);
  const top = async (pixels: Uint8Array) => {
    const scores = await classifier.classify(pixels, 1);
    return scores.indexOf(Math.max(...scores));
  };
  let same = 0;
  let levels = 0;
  for (let i = 0; i < samples; i++) {
    const file = await enlarged(names[Math.floor((i * names.length) / samples)] ?? '');
    const ours = await preprocess(file, INPUT, { jpeg }, budget);
    const full = preprocessRaster(fullRaster(codec, file), INPUT);
    levels += ours.reduce((sum, value, k) => sum + Math.abs(value - (full[k] ?? 0)), 0) / ours.length;
    if ((await top(ours)) === (await top(full))) same++;
  }
  classifier.dispose();
  return { picture: 'ResNet-50 on enlarged samples', samples, sameTop1: same, meanLevels: levels / samples };
}
