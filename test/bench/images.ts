import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import factory from '@jsquash/jpeg/codec/dec/mozjpeg_dec.js';
import sharp from 'sharp';
import { readJpegHeader } from '../../functions/image/jpeg/markers.ts';
import { preprocess, preprocessRaster } from '../../functions/image/preprocess.ts';
import type { Raster } from '../../functions/image/rows.ts';
import { MemoryBudget } from '../../functions/memory-budget.ts';
import { presetInput } from '../../training/compile/presets.ts';
import { loadServedModel } from '../../training/evaluate/served-model.ts';
import { Progress } from '../../training/terminal/progress.ts';
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

/** Of CPU time, which what else the machine does hardly changes. */
async function milliseconds(run: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Remembers the most that was reserved at one time. */
class WatchedBudget extends MemoryBudget {
  mostBytes = 0;

  override async reserve(...args: Parameters<MemoryBudget['reserve']>): ReturnType<MemoryBudget['reserve']> {
    const release = await super.reserve(...args);
    this.mostBytes = Math.max(this.mostBytes, this.totalBytes - this.freeBytes);
    return release;
  }
}

/** jSquash's frame of 100 megapixels, and its copy in RGB, are 700 MB. */
const LARGEST_FRAME = 20_000_000;

/**
 * `npm run bench -- images`: JPEGs to ResNet-50's input, in Node, one thread, in turns: this decoder, jSquash's and a
 * resize of its frame, sharp's shrink-on-load; then how often ResNet-50 names the same class for the reduced picture
 * and the whole one. Times are medians.
 * @param samples of the sample images, enlarged, for the agreement
 */
export async function benchImages(rounds: number, samples: number): Promise<Record<string, unknown>[]> {
  const folder = shared('data/imagenet-sample');
  if (!folder)
    throw new BenchError('the pictures are made of shared data/imagenet-sample (FIXTURES_DIR), which is not there');
  const names = readdirSync(folder).filter((name) => name.endsWith('.JPEG'));
  const enlarged = (name = '', size: { width: number; height: number } = ENLARGED) =>
    sharp(path.join(folder, name))
      .toColourspace('srgb')
      .resize({ ...ENLARGED, ...size });
  const quality = { quality: 90, chromaSubsampling: '4:2:0' } as const;
  const pictures: Readonly<Record<string, () => Promise<Buffer>>> = {
    '4032x3024 4:2:0 baseline': () => enlarged(names[0]).jpeg(quality).toBuffer(),
    '4032x3024 4:2:0 progressive': () =>
      enlarged(names[0])
        .jpeg({ ...quality, progressive: true })
        .toBuffer(),
    '4032x3024 4:2:0 baseline, blurred': () => enlarged(names[0]).blur(12).jpeg(quality).toBuffer(),
    '12000x8400 4:2:0 baseline': () => enlarged(names[0], { width: 12_000, height: 8_400 }).jpeg(quality).toBuffer(),
  };
  sharp.concurrency(1);
  const jpeg = compile('functions/image/jpeg/build/decoder.wasm');
  const codec = await mozjpeg();
  const rows: Record<string, unknown>[] = [];
  for (const [picture, make] of Object.entries(pictures)) {
    const file = await make();
    const budget = new WatchedBudget(120_000_000);
    const { width, height } = readJpegHeader(file);
    const whole = width * height <= LARGEST_FRAME;
    const times: Record<'own' | 'jsquash' | 'sharp', number[]> = { own: [], jsquash: [], sharp: [] };
    for (let round = 0; round < rounds; round++) {
      times.own.push(await milliseconds(() => preprocess(file, INPUT, { jpeg }, budget)));
      if (whole) times.jsquash.push(await milliseconds(() => preprocessRaster(fullRaster(codec, file), INPUT)));
      times.sharp.push(await milliseconds(() => sharp(file).resize({ width: 341, height: 256 }).raw().toBuffer()));
    }
    const [own, full, shrunk] = [times.own, times.jsquash, times.sharp].map((ms) => spread(ms).median);
    rows.push({
      picture,
      fileBytes: file.length,
      peakBytes: budget.mostBytes,
      medianMs: own,
      sharpMs: shrunk,
      timesSharp: (own ?? Number.NaN) / (shrunk ?? Number.NaN),
      ...(whole && {
        jsquashBytes: codec.HEAPU8.length,
        jsquashMs: full,
        timesFasterThanJsquash: (full ?? Number.NaN) / (own ?? Number.NaN),
      }),
    });
  }
  if (samples > 0) {
    rows.push(await agreement(names, samples, (name) => enlarged(name).jpeg(quality).toBuffer(), codec, jpeg));
  }
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
  const progress = new Progress('enlarged samples', samples);
  const top = async (pixels: Uint8Array) => {
    const scores = await classifier.classify(pixels, 1);
    const [first = 0, second = 0] = scores.toSorted((a, b) => b - a);
    return { index: scores.indexOf(first), margin: first - second };
  };
  const differing: { name: string; margins: number[] }[] = [];
  let levels = 0;
  for (let i = 0; i < samples; i++) {
    const name = names[Math.floor((i * names.length) / samples)] ?? '';
    const file = await enlarged(name);
    const ours = await preprocess(file, INPUT, { jpeg }, budget);
    const full = preprocessRaster(fullRaster(codec, file), INPUT);
    levels += ours.reduce((sum, value, k) => sum + Math.abs(value - (full[k] ?? 0)), 0) / ours.length;
    const [reduced, all] = [await top(ours), await top(full)];
    if (reduced.index !== all.index) differing.push({ name, margins: [reduced.margin, all.margin] });
    progress.update(i + 1, `${differing.length} differ`);
  }
  progress.done();
  classifier.dispose();
  const same = samples - differing.length;
  const meanLevels = levels / samples;
  return { picture: 'ResNet-50 on enlarged samples', samples, sameTop1: same, meanLevels, differing };
}
