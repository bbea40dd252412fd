/**
 * `npm run bench -- [--models resnet50,googlenet] [--runners int8,tfjs-wasm] [--where node,workerd] [--rounds 15] [--json]`:
 * whole networks, one thread, a process for each engine, in turns round by round, so that a machine whose speed drifts
 * is as unkind to all. Networks are read from `$FIXTURES_DIR/weights` and compiled to `build/bench/<model>` once.
 */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Progress } from '../../training/terminal/progress.ts';
import { table } from '../../training/terminal/table.ts';
import { shared } from '../fixtures/shared.ts';
import { type BenchModel, isCompiled } from './bench-model.ts';
import { type Started, startInNode } from './process.ts';
import { RUNNERS } from './runners.ts';
import { spread } from './statistics.ts';
import { startInWorkerd } from './workerd.ts';

const root = path.join(import.meta.dirname, '../..');
const MODELS: Readonly<Record<string, string>> = { resnet50: 'imagenet-torch', googlenet: 'imagenet-caffe' };
/** In workerd a request carries some runs, so that its own millisecond hardly counts. */
const RUNS_PER_REQUEST = 3;

const { values } = parseArgs({
  options: {
    models: { type: 'string', default: 'resnet50' },
    runners: { type: 'string', default: Object.keys(RUNNERS).join(',') },
    where: { type: 'string', default: 'node,workerd' },
    rounds: { type: 'string', default: '15' },
    json: { type: 'boolean', default: false },
  },
});

interface Row {
  readonly model: string;
  readonly runner: string;
  readonly threads: 1;
  readonly where: string;
  readonly v8: string;
  readonly medianMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly coldMs: number;
  readonly memoryBytes: number;
}

function prepare(id: string): BenchModel {
  const preset = MODELS[id];
  const source = shared(`weights/${id}.onnx`);
  const images = shared('data/imagenet-sample');
  if (!preset) throw new Error(`no model "${id}" to bench: use ${Object.keys(MODELS).join(', ')}`);
  if (!source || !images) throw new Error(`weights/${id}.onnx and data/imagenet-sample are not under FIXTURES_DIR`);
  const model = { source, folder: path.join(root, 'build/bench', id) };
  if (!isCompiled(model)) {
    const compile = ['--from', source, '--id', id, '--preset', preset, '--calibrate', images, '--out', model.folder];
    execFileSync(process.execPath, ['--import', 'tsx', 'training/compile.ts', ...compile], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  return model;
}

async function bench(id: string): Promise<Row[]> {
  const model = prepare(id);
  const lanes: { runner: string; where: string; started: Started; times: number[] }[] = [];
  for (const where of values.where.split(',')) {
    for (const runner of values.runners.split(',')) {
      const started = await (where === 'workerd' ? startInWorkerd : startInNode)(runner, model);
      lanes.push({ runner, where, started, times: [] });
    }
  }
  const rounds = Number(values.rounds);
  const progress = new Progress(id, rounds);
  for (let round = 0; round < rounds; round++) {
    for (const lane of lanes)
      lane.times.push(...(await lane.started.run(lane.where === 'workerd' ? RUNS_PER_REQUEST : 1)));
    progress.update(round + 1);
  }
  progress.done();
  const rows = lanes.map(({ runner, where, started, times }): Row => {
    const { median, min, max } = spread(times);
    const { v8, coldMs, memoryBytes } = started;
    return { model: id, runner, threads: 1, where, v8, medianMs: median, minMs: min, maxMs: max, coldMs, memoryBytes };
  });
  for (const { started } of lanes) await started.stop();
  return rows;
}

const rows: Row[] = [];
for (const id of values.models.split(',')) rows.push(...(await bench(id)));

if (values.json) process.stdout.write(`${JSON.stringify(rows, null, 1)}\n`);
else {
  const ours = (row: Row) =>
    rows.find((other) => other.runner === 'int8' && other.model === row.model && other.where === row.where);
  const head = ['model', 'where', 'V8', 'runner', 'median ms', 'min', 'max', 'x int8', 'cold ms', 'MB'];
  const cells = rows.map((row) => [
    ...[row.model, row.where, row.v8, row.runner],
    ...[row.medianMs, row.minMs, row.maxMs].map((ms) => ms.toFixed(1)),
    (row.medianMs / (ours(row)?.medianMs ?? Number.NaN)).toFixed(2),
    row.coldMs.toFixed(0),
    (row.memoryBytes / 1e6).toFixed(1),
  ]);
  console.log(table(head, cells));
}
process.exit(0);
