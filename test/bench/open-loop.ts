import { Connections, type Status } from './connections.ts';

export interface Outcome {
  /** Requests that were to be sent, and answers that came, in this time. */
  readonly seconds: number;
  readonly sent: number;
  readonly answered: number;
  /** Answers by status; 0 is a connection that broke. */
  readonly statuses: ReadonlyMap<Status, number>;
  /** From when a request was due to the last byte of its answer, in ms, sorted. */
  readonly latencies: Float64Array;
}

export interface Load {
  readonly base: string;
  /** Bytes of the n-th request. */
  readonly request: (n: number) => Buffer;
  readonly seconds: number;
}

/** Fewer than the Worker takes at once, so that what is measured is its time and not its refusals. */
const CONNECTIONS = 256;
/** How long after the end answers are waited for. */
const PATIENCE_MS = 10_000;

/**
 * Requests at a rate that does not wait for answers, as users come: one that is late delays none of the others, and its
 * whole time counts, from when it was due ("coordinated omission"). They come at random, as independent users do (Poisson).
 */
export async function openLoop({ base, request, seconds, rate }: Load & { readonly rate: number }): Promise<Outcome> {
  const connections = new Connections(base, CONNECTIONS);
  const tally = new Tally();
  const began = performance.now();
  const end = began + seconds * 1000;
  let due = began;
  let sent = 0;
  while (due < end) {
    const now = performance.now();
    for (; due <= now && due < end; due += (-Math.log(1 - Math.random()) * 1000) / rate) {
      const at = due;
      connections.send(request(sent++), (status) => tally.add(status, performance.now() - at));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const answeredInTime = tally.answered;
  for (const last = end + PATIENCE_MS; tally.answered < sent && performance.now() < last; ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  connections.close();
  return tally.outcome(seconds, sent, answeredInTime);
}

/** As many at once as `together`, one after the other: as fast as it goes. */
export async function closedLoop({ base, request, seconds, together }: Load & { readonly together: number }) {
  const connections = new Connections(base, together);
  const tally = new Tally();
  const end = performance.now() + seconds * 1000;
  let sent = 0;
  await new Promise<void>((resolve) => {
    let atWork = together;
    const next = () => {
      const at = performance.now();
      if (at >= end) {
        if (--atWork === 0) resolve();
        return;
      }
      connections.send(request(sent++), (status) => {
        tally.add(status, performance.now() - at);
        next();
      });
    };
    for (let i = 0; i < together; i++) next();
  });
  connections.close();
  return tally.outcome(seconds, sent, tally.answered);
}

class Tally {
  answered = 0;
  readonly #statuses = new Map<Status, number>();
  readonly #latencies: number[] = [];

  add(status: Status, ms: number): void {
    this.answered++;
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    this.#latencies.push(ms);
  }

  outcome(seconds: number, sent: number, answered: number): Outcome {
    const latencies = Float64Array.from(this.#latencies).sort();
    return { seconds, sent, answered, statuses: this.#statuses, latencies };
  }
}

/** @param q 0…1 */
export const quantile = ({ latencies }: Outcome, q: number): number =>
  latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))] ?? Number.NaN;

/** Requests without an answer, and answers that were not 2xx. */
export function failures({ statuses, sent }: Outcome): number {
  let good = 0;
  for (const [status, count] of statuses) if (status >= 200 && status < 300) good += count;
  return sent - good;
}
