import type { Host } from '../host.ts';
import { exposition, type Family, type Labels, labelSet, type Sample } from './exposition.ts';
import type { Ended, Witness } from './record.ts';

/** Routes, models and statuses are few, but their product need not be: what is beyond is counted together. */
const MAX_SERIES = 2_000;
/** Upper bounds of the histogram, in seconds: a cached answer to a body that trickles in. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What an isolate knows of its memory. */
export interface Memory {
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** Reservations that were refused so far. */
  readonly refused: number;
}

/** Counts what an isolate answers, from its first request on. */
export class Metrics {
  readonly #memory: Memory;
  readonly #requests = new Counter();
  readonly #errors = new Counter();
  readonly #cache = new Counter();
  readonly #waits = BOUNDS.map(() => 0);
  #ended = 0;
  #waitedSeconds = 0;
  #receivedBytes = 0;
  #startedMs: number | undefined;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  readonly count: Witness = ({ route, model = '', status, problem, cache, bytes = 0, waitedMs }) => {
    // The clock of a Worker begins with its first request.
    this.#startedMs ??= Date.now() - waitedMs;
    this.#requests.add({ route, model, status: String(status) });
    if (problem) this.#errors.add({ kind: problem });
    if (cache) this.#cache.add({ result: cache });
    const bucket = BOUNDS.findIndex((bound) => waitedMs <= bound * 1000);
    if (bucket >= 0) this.#waits[bucket] = (this.#waits[bucket] ?? 0) + 1;
    this.#ended++;
    this.#waitedSeconds += waitedMs / 1000;
    this.#receivedBytes += bytes;
  };

  /** All of it, in Prometheus' text format. */
  text(): string {
    const { totalBytes, freeBytes, refused } = this.#memory;
    const one = (value: number): Sample[] => [{ value }];
    return exposition(
      FAMILIES({
        requests: this.#requests.samples(),
        errors: this.#errors.samples(),
        cache: this.#cache.samples(),
        waits: this.#histogram(),
        received: one(this.#receivedBytes),
        started: one((this.#startedMs ?? Date.now()) / 1000),
        refused: one(refused),
        memory: one(totalBytes - freeBytes),
        limit: one(totalBytes),
      }),
    );
  }

  #histogram(): Sample[] {
    let below = 0;
    const buckets = BOUNDS.map((bound, i) => {
      below += this.#waits[i] ?? 0;
      return { suffix: '_bucket', labels: { le: String(bound) }, value: below };
    });
    return [
      ...buckets,
      { suffix: '_bucket', labels: { le: '+Inf' }, value: this.#ended },
      { suffix: '_sum', value: this.#waitedSeconds },
      { suffix: '_count', value: this.#ended },
    ];
  }
}

/** One number for each set of labels. */
class Counter {
  readonly #series = new Map<string, { labels: Labels; value: number }>();

  add(labels: Labels): void {
    let name = labelSet(labels);
    if (!this.#series.has(name) && this.#series.size >= MAX_SERIES) {
      labels = Object.fromEntries(Object.keys(labels).map((label) => [label, 'other']));
      name = labelSet(labels);
    }
    const series = this.#series.get(name);
    if (series) series.value++;
    else this.#series.set(name, { labels, value: 1 });
  }

  samples = (): Sample[] => [...this.#series.values()].map(({ labels, value }) => ({ labels, value }));
}

const HERE = 'Of the isolate that answers, since it started; Analytics Engine has the sum of all.';

const FAMILIES = (
  of: Record<
    'requests' | 'errors' | 'cache' | 'waits' | 'received' | 'started' | 'refused' | 'memory' | 'limit',
    readonly Sample[]
  >,
): Family[] => [
  {
    name: 'classifier_requests_total',
    type: 'counter',
    help: `Requests and calls that ended, by route, model and status. ${HERE}`,
    samples: of.requests,
  },
  {
    name: 'classifier_errors_total',
    type: 'counter',
    help: 'Those that were refused or failed, by the kind of problem.',
    samples: of.errors,
  },
  {
    name: 'classifier_cache_total',
    type: 'counter',
    help: 'Classifications, by what the cache of answers said.',
    samples: of.cache,
  },
  {
    name: 'classifier_cold_starts_total',
    type: 'counter',
    help: 'Always 1 for one isolate: it started once.',
    samples: [{ value: 1 }],
  },
  {
    name: 'classifier_start_time_seconds',
    type: 'gauge',
    help: 'When this isolate had its first request, in seconds since 1970. Another time is another isolate.',
    samples: of.started,
  },
  {
    name: 'classifier_wait_seconds',
    type: 'histogram',
    help: "From a request to its answer, by the isolate's clock. On Cloudflare that clock stands still while the Worker computes: it tells waiting for bodies, assets, the database and the other Worker, not computing.",
    samples: of.waits,
  },
  {
    name: 'classifier_received_bytes_total',
    type: 'counter',
    help: 'Bytes of bodies, as callers declared them.',
    samples: of.received,
  },
  {
    name: 'classifier_admissions_refused_total',
    type: 'counter',
    help: 'Reservations of memory that were refused: it was not free in time, or never could be.',
    samples: of.refused,
  },
  {
    name: 'classifier_memory_bytes',
    type: 'gauge',
    help: 'Memory that models, decoders and pictures hold in this isolate, as admitted. The JavaScript heap, which an isolate cannot see, is not in it.',
    samples: of.memory,
  },
  {
    name: 'classifier_memory_limit_bytes',
    type: 'gauge',
    help: 'Memory that models, decoders and pictures may hold together.',
    samples: of.limit,
  },
];

/**
 * A data point a request for Analytics Engine, in columns: blob1 route, blob2 model, blob3 version, blob4 problem,
 * blob5 cache, blob6 caller, blob7 method; double1 status, double2 bytes, double3 milliseconds waited, double4 1 for the
 * first request of an isolate. Sampled by route.
 */
export function dataPoints(host: Pick<Host, 'log'>, metrics: NonNullable<Host['metrics']>): Witness {
  let cold = 1;
  return (ended) => {
    try {
      metrics.writeDataPoint(point(ended, cold));
    } catch (error) {
      // Nobody's answer depends on it.
      host.log({ error: `a data point was not written: ${error}` });
    }
    cold = 0;
  };
}

const point = (
  { route, model, version, problem, cache, caller, method, status, bytes, waitedMs }: Ended,
  cold: number,
) => ({
  indexes: [route],
  blobs: [route, model ?? '', version ?? '', problem ?? '', cache ?? '', caller ?? '', method],
  doubles: [status, bytes ?? 0, waitedMs, cold],
});
