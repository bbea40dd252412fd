/**
 * `npm run bench:load -- [--model ID] [--seconds N] [--rounds N] [--soak SECONDS]`: how many requests a second the built
 * Worker takes on workerd itself, beside a Worker that does nothing; what its middleware costs; how long answers take at
 * half of that rate, at a rate that does not wait for answers; and with --soak, whether it lasts at 80 % of it.
 */
import { parseArgs } from 'node:util';
import { cpuMilliseconds } from './cpu-time.ts';
import { distinctPictures, type Subject, startBare, startEmpty, startOpen, startProtected } from './load-subjects.ts';
import { closedLoop, failures, type Outcome, openLoop, quantile } from './open-loop.ts';
import { soak } from './soak.ts';
import { spread } from './statistics.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'fashion-mlp' },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    soak: { type: 'string', default: '0' },
  },
});
const seconds = Number(values.seconds);

/** So many at once keep one isolate busy, and wait for little else. */
const TOGETHER = 32;
/** Shares of the rate of a closed loop that are tried, until one is kept up with. */
const SHARES = [1, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2];
/** Kept up with: so much of what was sent is answered when the time is over, and all of it in the end. */
const KEPT_UP = 0.98;
const PICTURES = 20_000;

interface Pace {
  /** Answers a second. */
  readonly rate: number;
  /** Of the whole process of the Worker, milliseconds a request. */
  readonly cpuMs: number;
}

async function pace(subject: Subject): Promise<Pace> {
  const before = cpuMilliseconds(subject.pid);
  const outcome = await closedLoop({ ...subject, seconds, together: TOGETHER });
  if (failures(outcome) > 0) throw new Error(`${subject.name}: ${described(outcome)}`);
  const cpu = before === null ? Number.NaN : (cpuMilliseconds(subject.pid) ?? Number.NaN) - before;
  return { rate: outcome.answered / seconds, cpuMs: cpu / outcome.answered };
}

/** The highest rate, of those tried, that a subject keeps up with. */
async function peak(subject: Subject, closed: number): Promise<number> {
  for (const share of SHARES) {
    const outcome = await openLoop({ ...subject, seconds, rate: closed * share });
    if (outcome.answered >= outcome.sent * KEPT_UP && failures(outcome) === 0) return outcome.sent / seconds;
  }
  throw new Error(`${subject.name} does not keep up with a fifth of ${closed.toFixed(0)} requests/s`);
}

const described = ({ statuses, sent }: Outcome): string =>
  `${sent} sent; ${Array.from(statuses, ([status, count]) => `${count} x ${status || 'broken connection'}`).join(', ')}`;

const figure = (what: string, value: string, target = '') =>
  console.log(`${what.padEnd(44)} ${value.padStart(10)}  ${target}`);

const pictures = await distinctPictures(PICTURES);
const empty = await startEmpty();
const bare = await startBare(values.model, pictures);
const open = await startOpen(values.model, pictures);
const closed = await startProtected(values.model, pictures);
const subjects = [empty, bare, open, closed];
try {
  for (const subject of subjects) await closedLoop({ ...subject, seconds: 2, together: TOGETHER });
  const paces = new Map<Subject, Pace[]>(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [subject, of] of paces) of.push(await pace(subject));
  }
  const rateOf = (subject: Subject) => spread((paces.get(subject) ?? []).map(({ rate }) => rate)).median;
  const cpuOf = (subject: Subject) => spread((paces.get(subject) ?? []).map(({ cpuMs }) => cpuMs)).min;
  for (const subject of subjects) {
    figure(
      `${subject.name}, ${TOGETHER} at once`,
      `${rateOf(subject).toFixed(0)}/s`,
      `${cpuOf(subject).toFixed(3)} ms of CPU each`,
    );
  }
  const overhead = (of: Subject) => `${(cpuOf(of) - cpuOf(bare)).toFixed(3)} ms`;
  figure('middleware, CPU a request, access off', overhead(open));
  figure('middleware, CPU a request, access on', overhead(closed), '≤ 0.3 ms');

  const most = { empty: await peak(empty, rateOf(empty)), open: await peak(open, rateOf(open)) };
  figure('peak, open loop, empty route', `${most.empty.toFixed(0)}/s`);
  figure(`peak, open loop, ${values.model}`, `${most.open.toFixed(0)}/s`, '≥ 1200/s');
  figure('of the empty route', (most.open / most.empty).toFixed(2), '≥ 0.35');
  const rate = most.open / 2;
  const noise = await openLoop({ ...empty, seconds: seconds * 2, rate });
  const half = await openLoop({ ...open, seconds: seconds * 2, rate });
  figure('at half the peak, p50', `${quantile(half, 0.5).toFixed(2)} ms`);
  figure('at half the peak, p99', `${quantile(half, 0.99).toFixed(2)} ms`, `≤ 30 ms; ${described(half)}`);
  figure(
    'at that rate, p99, empty route',
    `${quantile(noise, 0.99).toFixed(2)} ms`,
    'what this machine adds by itself',
  );
  if (Number(values.soak) > 0) await soak(open, most.open * 0.8, Number(values.soak), figure);
} finally {
  for (const subject of subjects) await subject.stop();
}
