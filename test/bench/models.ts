/**
 * `npm run bench -- [--models resnet50,vgg16] [--runners int8,ort-web-int8] [--where node,workerd] [--rounds 15] [--json]`:
 * whole networks, one thread, a process for each engine, in turns round by round, so that a machine whose speed drifts
 * is as unkind to all. `node` is the newest one; `node-bounds-checks` is that with a check in every load, as workerd
 * has them. Medians are of CPU time. `npm run bench -- images [--rounds 15] [--samples 20] [--json]`: see images.ts.
 * `npm run bench -- threads [--models resnet50,vgg16] [--rounds 15] [--parts] [--json]`: see threads.ts.
 */
import { parseArgs } from 'node:util';
import { runCommand } from '../../training/terminal/command.ts';
import { Progress } from '../../training/terminal/progress.ts';
import { table } from '../../training/terminal/table.ts';
import { benchImages } from './images.ts';
import { BenchError, NETWORKS } from './networks.ts';
import { prepareNetwork } from './prepare.ts';
import { type Figures, type Started, startInNode } from './process.ts';
import { type NetworkFile, RUNNERS, type RunnerName } from './runner.ts';
import { spread } from './statistics.ts';
import { benchParts, benchThreads, showParts, showThreads } from './threads.ts';
import { runsInWorkerd, startInWorkerd } from './workerd.ts';

const PLACES: Readonly<Record<string, (runner: RunnerName, folder: string) => Promise<Started>>> = {
  node: startInNode,
  'node-bounds-checks': (runner, folder) => startInNode(runner, folder, ['--wasm-enforce-bounds-checks']),
  workerd: startInWorkerd,
};

/** Milliseconds a run, of CPU time but for `wallMs`, the median by the clock. */
interface Row {
  readonly model: string;
  readonly runner: RunnerName;
  readonly threads: 1;
  readonly where: string;
  readonly v8: string;
  readonly medianMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly wallMs: number;
  readonly coldMs: number;
  readonly memoryBytes: number;
}

const ALL = Object.keys(NETWORKS).join(',');

interface Lane extends Pick<Row, 'runner' | 'where'> {
  readonly started: Started;
  readonly figures: Figures[];
}

/** Those of `known` that an option lists. @throws BenchError naming one that is not known */
function listed<T extends string>(option: string, list: string, known: readonly T[]): T[] {
  return list.split(',').map((name) => {
    const found = known.find((one) => one === name);
    if (found === undefined)
      throw new BenchError(`--${option} takes some of ${known.join(', ')}; "${name}" is none of them`);
    return found;
  });
}

async function bench(
  model: string,
  runners: readonly RunnerName[],
  places: readonly string[],
  rounds: number,
): Promise<Row[]> {
  const network = NETWORKS[model];
  if (!network) return [];
  const files = new Set<NetworkFile>(runners.flatMap((runner) => RUNNERS[runner]));
  const folder = await prepareNetwork(model, network(), files);
  const lanes: Lane[] = [];
  try {
    for (const where of places) {
      for (const runner of runners) {
        if (where === 'workerd' && !runsInWorkerd(runner)) continue;
        const started = await PLACES[where]?.(runner, folder);
        if (started) lanes.push({ runner, where, started, figures: [] });
      }
    }
    const progress = new Progress(model, rounds);
    for (let round = 0; round < rounds; round++) {
      for (const { started, figures } of lanes) figures.push(await started.run());
      progress.update(round + 1);
    }
    progress.done();
  } finally {
    for (const { started } of lanes) await started.stop();
  }
  return lanes.map(({ runner, where, started, figures }): Row => {
    const { median, min, max } = spread(figures.map(({ cpuMs }) => cpuMs));
    const { median: wallMs } = spread(figures.map((figure) => figure.wallMs));
    const { v8, coldMs, memoryBytes } = started;
    return {
      ...{ model, runner, threads: 1, where, v8 },
      ...{ medianMs: median, minMs: min, maxMs: max, wallMs, coldMs, memoryBytes },
    };
  });
}

function show(rows: readonly Row[]): string {
  const ours = (row: Row) =>
    rows.find((other) => other.runner === 'int8' && other.model === row.model && other.where === row.where);
  const ms = (value: number) => value.toFixed(value < 10 ? 3 : 1);
  const head = ['model', 'where', 'runner', 'median ms', 'min', 'max', 'wall', 'x int8', 'cold ms', 'MB', 'V8'];
  const cells = rows.map((row) => [
    ...[row.model, row.where, row.runner],
    ...[row.medianMs, row.minMs, row.maxMs, row.wallMs].map(ms),
    (row.medianMs / (ours(row)?.medianMs ?? Number.NaN)).toFixed(2),
    row.coldMs.toFixed(0),
    (row.memoryBytes / 1e6).toFixed(1),
    row.v8,
  ]);
  return table(head, cells);
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      models: { type: 'string', default: ALL },
      runners: { type: 'string', default: Object.keys(RUNNERS).join(',') },
      where: { type: 'string', default: 'node,workerd' },
      rounds: { type: 'string', default: '15' },
      samples: { type: 'string', default: '20' },
      parts: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const models = listed('models', values.models, Object.keys(NETWORKS));
  const runners = listed('runners', values.runners, Object.keys(RUNNERS) as RunnerName[]);
  const places = listed('where', values.where, Object.keys(PLACES));
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new BenchError(`--rounds takes a number from 1 on; it is "${values.rounds}"`);
  if (positionals.includes('images')) {
    const rows = await benchImages(rounds, Number(values.samples));
    console.log(values.json ? JSON.stringify(rows, null, 1) : rows);
    return;
  }
  if (positionals.includes('threads')) {
    const asked = values.models === ALL ? ['resnet50', 'vgg16'] : models;
    if (values.parts) {
      const rows = await benchParts(asked, rounds);
      console.log(values.json ? JSON.stringify(rows, null, 1) : showParts(rows));
      return;
    }
    const rows = await benchThreads(asked, rounds);
    console.log(values.json ? JSON.stringify(rows, null, 1) : showThreads(rows));
    return;
  }
  const rows: Row[] = [];
  for (const model of models) rows.push(...(await bench(model, runners, places, rounds)));
  console.log(values.json ? JSON.stringify(rows, null, 1) : show(rows));
}

await runCommand(main, [BenchError]);
