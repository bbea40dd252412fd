import { Progress } from '../../training/terminal/progress.ts';
import { table } from '../../training/terminal/table.ts';
import { NETWORKS } from './networks.ts';
import { prepareNetwork } from './prepare.ts';
import { type Figures, type Started, startInNode } from './process.ts';
import { type NetworkFile, ONE_THREAD, type Parallel, RUNNERS, type RunnerName } from './runner.ts';
import { spread } from './statistics.ts';
import { type Parts, timeParts } from './thread-parts.ts';

/**
 * `npm run bench -- threads [--models resnet50,vgg16] [--rounds 15] [--parts] [--json]`: one thread and two, by the clock, in
 * turns round by round. `throughput` is an image on each thread, the time that of an image. Without other work on the
 * cores the figures are worth something; `--parts` asks for none of them (thread-parts.ts).
 */
interface Lane extends Parallel {
  readonly runner: RunnerName;
}

const TWO: Parallel = { threads: 2, mode: 'latency' };
const LANES: readonly Lane[] = [
  { runner: 'int8', ...ONE_THREAD },
  { runner: 'int8', ...TWO },
  { runner: 'int8', threads: 2, mode: 'throughput' },
  { runner: 'ort-web-int8', ...ONE_THREAD },
  { runner: 'ort-web-int8', ...TWO },
  { runner: 'ort-node-f32', ...ONE_THREAD },
  { runner: 'ort-node-f32', ...TWO },
  { runner: 'ort-node-int8', ...ONE_THREAD },
  { runner: 'ort-node-int8', ...TWO },
];

/** Milliseconds an image by the clock. */
export interface ThreadsRow extends Lane {
  readonly model: string;
  readonly medianMs: number;
  readonly minMs: number;
  /** Median of the ratios of a round: this project's engine with one thread is 1. */
  readonly timesFaster: number;
  readonly memoryBytes: number;
}

/** @param models keys of `NETWORKS` */
export async function benchThreads(models: readonly string[], rounds: number): Promise<ThreadsRow[]> {
  const rows: ThreadsRow[] = [];
  for (const model of models) {
    const network = NETWORKS[model];
    if (network) rows.push(...(await ofModel(model, await prepared(model, network), rounds)));
  }
  return rows;
}

/** How two threads would share each network: see thread-parts.ts. */
export async function benchParts(models: readonly string[], rounds: number): Promise<(Parts & { model: string })[]> {
  const rows: (Parts & { model: string })[] = [];
  for (const model of models) {
    const network = NETWORKS[model];
    if (network) rows.push({ model, ...(await timeParts(await prepared(model, network), 2, rounds)) });
  }
  return rows;
}

function prepared(model: string, network: NonNullable<(typeof NETWORKS)[string]>): Promise<string> {
  const files = new Set<NetworkFile>(LANES.flatMap(({ runner }) => RUNNERS[runner]));
  return prepareNetwork(model, network(), files);
}

async function ofModel(model: string, folder: string, rounds: number): Promise<ThreadsRow[]> {
  const started: { lane: Lane; process: Started; figures: Figures[] }[] = [];
  try {
    for (const lane of LANES) {
      started.push({ lane, process: await startInNode(lane.runner, folder, [], lane), figures: [] });
    }
    const progress = new Progress(model, rounds);
    for (let round = 0; round < rounds; round++) {
      for (const { process, figures } of started) figures.push(await process.run());
      progress.update(round + 1);
    }
    progress.done();
  } finally {
    for (const { process } of started) await process.stop();
  }
  const imageMs = ({ lane, figures }: (typeof started)[number]) =>
    figures.map(({ wallMs }) => wallMs / (lane.mode === 'throughput' ? lane.threads : 1));
  const [first] = started;
  const base = first ? imageMs(first) : [];
  return started.map((one): ThreadsRow => {
    const ms = imageMs(one);
    const { median, min } = spread(ms);
    const timesFaster = spread(ms.map((value, round) => (base[round] ?? Number.NaN) / value)).median;
    return { model, ...one.lane, medianMs: median, minMs: min, timesFaster, memoryBytes: one.process.memoryBytes };
  });
}

export function showThreads(rows: readonly ThreadsRow[]): string {
  return table(
    ['model', 'runner', 'threads', 'mode', 'median ms', 'min', 'x faster', 'MB'],
    rows.map((row) => [
      ...[row.model, row.runner, String(row.threads), row.threads > 1 ? row.mode : ''],
      ...[row.medianMs.toFixed(1), row.minMs.toFixed(1), row.timesFaster.toFixed(2)],
      (row.memoryBytes / 1e6).toFixed(1),
    ]),
  );
}

export function showParts(rows: readonly (Parts & { model: string })[]): string {
  return table(
    ['model', 'whole ms', 'slowest of two parts', 'all parts', 'x faster'],
    rows.map(({ model, wholeMs, slowestMs, workMs }) => [
      ...[model, wholeMs.toFixed(1), slowestMs.toFixed(1), workMs.toFixed(1)],
      (wholeMs / slowestMs).toFixed(2),
    ]),
  );
}
