import type { Subject } from './load-subjects.ts';
import { failures, openLoop, quantile } from './open-loop.ts';
import { residentBytes } from './resident-bytes.ts';
import { spread } from './statistics.ts';

/** How often memory is looked at. */
const LOOK_MS = 5_000;

/** A rate held for long: every failure is named, and memory at the end compared with memory once it is warm. */
export async function soak(
  subject: Subject,
  rate: number,
  seconds: number,
  figure: (what: string, value: string, more?: string) => void,
): Promise<void> {
  const bytes: number[] = [];
  const looking = setInterval(() => bytes.push(residentBytes(subject.pid)), LOOK_MS);
  const outcome = await openLoop({ ...subject, seconds, rate });
  clearInterval(looking);
  const statuses = JSON.stringify(Object.fromEntries(outcome.statuses));
  figure(`${seconds} s at ${rate.toFixed(0)}/s, failures`, String(failures(outcome)), `0; ${statuses}`);
  figure('p50', `${quantile(outcome, 0.5).toFixed(2)} ms`);
  figure('p99', `${quantile(outcome, 0.99).toFixed(2)} ms`);
  // The first third is warming up: V8 compiles, and grows its young generation to what the rate needs.
  const third = Math.floor(bytes.length / 3);
  const megabytes = (from: number, to: number) => spread(bytes.slice(from, to)).median / 1e6;
  const [middle, last] = [megabytes(third, 2 * third), megabytes(2 * third, bytes.length)];
  figure('memory of the process, second third', `${middle.toFixed(1)} MB`);
  figure('memory of the process, last third', `${last.toFixed(1)} MB`, `${(last - middle).toFixed(1)} MB more`);
}
