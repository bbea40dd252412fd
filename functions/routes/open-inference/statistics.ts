import type { z } from 'zod';
import type { Manifest } from '../../catalogue/manifest.ts';
import type { statsSchema } from './schema.ts';

interface Counts {
  requests: number;
  failures: number;
  inferences: number;
  lastInference: number;
}

/** Counts of this protocol's inferences, by model, since the isolate started. */
export class Statistics {
  readonly #models = new Map<string, Counts>();

  succeeded(id: string, inferences: number): void {
    const counts = this.#of(id);
    counts.requests++;
    counts.inferences += inferences;
    counts.lastInference = Date.now();
  }

  failed(id: string): void {
    this.#of(id).failures++;
  }

  of(manifests: readonly Manifest[]): z.infer<typeof statsSchema> {
    return { model_stats: manifests.map((manifest) => this.#stat(manifest)) };
  }

  #stat({ id, revision }: Manifest) {
    const { requests, failures, inferences, lastInference } = this.#of(id);
    const count = (times: number) => ({ count: times, ns: 0 });
    return {
      name: id,
      version: String(revision),
      last_inference: lastInference,
      inference_count: inferences,
      // One at a time, whatever the batch.
      execution_count: inferences,
      inference_stats: {
        success: count(requests),
        fail: count(failures),
        queue: count(requests),
        compute_input: count(inferences),
        compute_infer: count(inferences),
        compute_output: count(inferences),
        cache_hit: count(0),
      },
      batch_stats: [],
    };
  }

  #of(id: string): Counts {
    const counts = this.#models.get(id) ?? { requests: 0, failures: 0, inferences: 0, lastInference: 0 };
    this.#models.set(id, counts);
    return counts;
  }
}
