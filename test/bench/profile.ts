/**
 * `npm run profile -- MODEL [--rounds 30] [--build fused] [--json]`: what each layer of a compiled model takes, which kernel runs it,
 * and how near that comes to the dot-product loop of this machine. MODEL is an id in `models/`, a
 * network that was benched, or a model folder.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { manifestSchema } from '../../functions/catalogue/manifest.ts';
import { decodeProgram } from '../../functions/runtime/int8/encoding.ts';
import { Engine } from '../../functions/runtime/int8/engine.ts';
import { runCommand } from '../../training/terminal/command.ts';
import { table } from '../../training/terminal/table.ts';
import { kernelsOf } from './kernel-builds.ts';
import { kernelName, macsOf } from './kernel-names.ts';
import { BenchError } from './networks.ts';
import { continueOnNewestNode } from './newest-node.ts';
import { measurePeak, type Peak } from './peak.ts';
import { pixel } from './runner.ts';
import { spread } from './statistics.ts';

interface Cost {
  readonly ms: number;
  readonly macs: number;
  /** GMAC/s, and its share of the peak; null for what multiplies nothing. */
  readonly rate: number | null;
  readonly peakShare: number | null;
  readonly timeShare: number;
}
interface LayerCost extends Cost {
  readonly layer: string;
  readonly shape: string;
  readonly kernel: string;
}
interface KernelCost extends Cost {
  readonly kernel: string;
  readonly ops: number;
}
interface Profile {
  readonly model: string;
  readonly v8: string;
  readonly peak: Peak;
  readonly total: Cost;
  readonly layers: readonly LayerCost[];
  readonly kernels: readonly KernelCost[];
}

const root = path.join(import.meta.dirname, '../..');

/** @throws BenchError where there is no integer model */
function loadEngine(model: string, build: string): { id: string; engine: Engine } {
  const folder = [model, path.join(root, 'models', model), path.join(root, 'build/bench', model, 'model')].find((one) =>
    existsSync(path.join(one, 'manifest.json')),
  );
  if (folder === undefined)
    throw new BenchError(`${model || 'MODEL'}: say an id in models/, or a folder with a manifest.json.`);
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')));
  if (manifest.runtime !== 'int8')
    throw new BenchError(`${manifest.id} runs on ${manifest.runtime}; only compiled models have a profile.`);
  const read = (role: string) =>
    Buffer.concat(
      manifest.files.filter((file) => file.role === role).map((file) => readFileSync(path.join(folder, file.path))),
    );
  const engine = new Engine(kernelsOf(build), decodeProgram(new Uint8Array(read('program'))));
  engine.weights.set(read('weights'));
  return { id: manifest.id, engine };
}

/** @returns median milliseconds of every op; ops run in order, so each finds the caches as in a real run */
function timesOf(engine: Engine, rounds: number): number[] {
  const samples = engine.program.ops.map((): number[] => []);
  for (let round = -3; round < rounds; round++) {
    for (let i = 0; i < engine.input.length; i++) engine.input[i] = pixel(i);
    for (const [index, times] of samples.entries()) {
      const start = performance.now();
      engine.runOp(index);
      const ms = performance.now() - start;
      if (round >= 0) times.push(ms);
    }
  }
  return samples.map((times) => spread(times).median);
}

async function profile(model: string, rounds: number, build: string): Promise<Profile> {
  const { id, engine } = loadEngine(model, build);
  const peak = await measurePeak();
  const times = timesOf(engine, rounds);
  const totalMs = times.reduce((sum, ms) => sum + ms, 0);
  const cost = (ms: number, macs: number): Cost => {
    const rate = macs > 0 ? macs / ms / 1e6 : null;
    return { ms, macs, rate, peakShare: rate === null ? null : rate / peak.best, timeShare: ms / totalMs };
  };
  const layers = engine.program.ops.map((op, index): LayerCost => {
    const window = 'kernelHeight' in op ? ` ${op.kernelHeight}x${op.kernelWidth}/${op.strideY}` : '';
    const shape = `${op.inputHeight}x${op.inputWidth}x${op.inputChannels} → ${op.outputHeight}x${op.outputWidth}x${op.outputChannels}${window}`;
    return { layer: op.layer, shape, kernel: kernelName(op), ...cost(times[index] ?? 0, macsOf(op)) };
  });
  const sum = (of: readonly LayerCost[], what: 'ms' | 'macs') => of.reduce((total, one) => total + one[what], 0);
  const kernels = [...new Set(layers.map(({ kernel }) => kernel))].map((kernel): KernelCost => {
    const own = layers.filter((layer) => layer.kernel === kernel);
    return { kernel, ops: own.length, ...cost(sum(own, 'ms'), sum(own, 'macs')) };
  });
  return {
    ...{ model: id, v8: process.versions.v8, peak, total: cost(totalMs, sum(layers, 'macs')), layers },
    kernels: kernels.toSorted((a, b) => b.ms - a.ms),
  };
}

const HEAD = ['ms', 'of time', 'MMAC', 'GMAC/s', 'of peak'];

function cells({ ms, timeShare, macs, rate, peakShare }: Cost): string[] {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const counted = rate === null || peakShare === null;
  return [
    ...[ms.toFixed(3), percent(timeShare)],
    ...(counted ? ['', '', ''] : [(macs / 1e6).toFixed(1), rate.toFixed(1), percent(peakShare)]),
  ];
}

function show({ model, v8, peak, total, layers, kernels }: Profile): string {
  const rates = (['w', 'w4', 'b'] as const).map((form) => `${form} ${peak[form].toFixed(1)}`).join(', ');
  return [
    `${model}, one thread, V8 ${v8}. Dot-product loop in the first-level cache, GMAC/s: ${rates}; the best is the peak.`,
    table(
      ['layer', 'shape', 'kernel', ...HEAD],
      layers.map((layer) => [layer.layer, layer.shape, layer.kernel, ...cells(layer)]),
    ),
    table(
      ['kernel', 'ops', ...HEAD],
      [
        ...kernels.map((kernel) => [kernel.kernel, kernel.ops, ...cells(kernel)]),
        ['all', layers.length, ...cells(total)],
      ],
    ),
    'Winograd multiplies less than the convolution that it stands for, whose multiplications count here.',
  ].join('\n\n');
}

await runCommand(async () => {
  continueOnNewestNode(import.meta.filename);
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '30' },
      build: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
    },
  });
  const result = await profile(positionals[0] ?? '', Number(values.rounds), values.build);
  console.log(values.json ? JSON.stringify(result, null, 1) : show(result));
}, [BenchError]);
