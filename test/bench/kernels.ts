/**
 * `npm run bench:kernels -- [--networks resnet50,vgg16] [--kinds first,depthwise] [--build fused] [--json]`: each shape of
 * the networks (`shapes/*.txt`) in each form that the engine has for it, alone, beside the dot-product loop of this machine.
 */
import { parseArgs } from 'node:util';
import { decodeProgram, encodeProgram } from '../../functions/runtime/int8/encoding.ts';
import { Engine } from '../../functions/runtime/int8/engine.ts';
import type { Program } from '../../functions/runtime/int8/program.ts';
import { Progress } from '../../training/terminal/progress.ts';
import { table } from '../../training/terminal/table.ts';
import { kernelsOf } from './kernel-builds.ts';
import { kernelName, macsOf } from './kernel-names.ts';
import { MAX_WEIGHT, programsOf } from './kernel-program.ts';
import { continueOnNewestNode } from './newest-node.ts';
import { measurePeak } from './peak.ts';
import { formatShape, readShapes, shapeFiles } from './shapes.ts';
import { spread } from './statistics.ts';

const [BATCH_MS, BATCHES] = [15, 9];

continueOnNewestNode(import.meta.filename);
const { values } = parseArgs({
  options: {
    networks: { type: 'string', default: shapeFiles().join(',') },
    kinds: { type: 'string', default: 'first,conv,depthwise' },
    build: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
});
const kernels = kernelsOf(values.build);

/** @returns milliseconds of one run in the best of some batches: what else the machine does can only take away */
function measure(program: Program): number {
  const engine = new Engine(kernels, decodeProgram(encodeProgram(program)));
  // Pages that were never written are all one page of zeros, which the cache holds.
  engine.weights.forEach((_, at, bytes) => {
    bytes[at] = ((at * 131) % (2 * MAX_WEIGHT + 1)) - MAX_WEIGHT;
  });
  engine.arena.forEach((_, at, bytes) => {
    bytes[at] = (at * 131) % 128;
  });
  const view = new DataView(engine.weights.buffer);
  for (const op of program.ops) {
    if (!('scale' in op && 'bias' in op)) continue;
    const perOutput = macsOf(op) / (op.outputHeight * op.outputWidth * op.outputChannels);
    for (let c = 0; c < op.outputChannels; c++) {
      view.setFloat32(op.scale + 4 * c, 1 / (MAX_WEIGHT * Math.sqrt(perOutput)), true);
      view.setFloat32(op.bias + 4 * c, 64, true);
    }
  }
  const batch = (runs: number) => {
    const start = performance.now();
    for (let run = 0; run < runs; run++) engine.run();
    return (performance.now() - start) / runs;
  };
  // Optimized code comes with the first runs.
  for (const end = performance.now() + BATCH_MS; performance.now() < end; ) batch(1);
  const runs = Math.max(1, Math.ceil(BATCH_MS / batch(1)));
  return spread(Array.from({ length: BATCHES }, () => batch(runs))).min;
}

const peak = await measurePeak();
const cases = values.networks.split(',').flatMap((network) =>
  readShapes(network)
    .filter(({ kind }) => values.kinds.split(',').includes(kind))
    .flatMap((shape) => programsOf(shape).map((program) => ({ network, shape, program }))),
);
const progress = new Progress('kernels', cases.length);
const rows = cases.map(({ network, shape, program }, index) => {
  const ms = measure(program);
  progress.update(index + 1);
  const [op] = program.ops;
  if (!op) throw new Error('a program without an op');
  const rate = macsOf(op) / ms / 1e6;
  return { network, shape: formatShape(shape), kernel: kernelName(op), ms, rate, peakShare: rate / peak.best };
});
progress.done();

if (values.json) console.log(JSON.stringify({ v8: process.versions.v8, peak, kernels: rows }, null, 1));
else {
  console.log(
    `V8 ${process.versions.v8}; peak ${peak.best.toFixed(1)} GMAC/s (w ${peak.w.toFixed(1)}, w4 ${peak.w4.toFixed(1)}, b ${peak.b.toFixed(1)})\n`,
  );
  const cells = rows.map((row) => [
    ...[row.network, row.shape, row.kernel],
    ...[row.ms.toFixed(3), row.rate.toFixed(1), `${(row.peakShare * 100).toFixed(1)} %`],
  ]);
  console.log(table(['network', 'shape', 'kernel', 'ms', 'GMAC/s', 'of peak'], cells));
}
