import type { z } from 'zod';
import type { Manifest } from '../../catalogue/manifest.ts';
import type { statsSchema } from './schema.ts';

interface Counts {
  requests: number;
  failures: number;
  inferences: number;
  lastInference: number;
}

/** Counts of this protocol's inferences, by model and version, since the isolate started. */
export class Statistics {
  readonly #versions = new Map<string, Counts>();

  succeeded(manifest: Manifest, inferences: number): void {
    const counts = this.#of(manifest);
    counts.requests++;
    counts.inferences += inferences;
    counts.lastInference = Date.now();
  }

  failed(manifest: Manifest): void {
    this.#of(manifest).failures++;
  }

  of(manifests: readonly Manifest[]): z.infer<typeof statsSchema> {
    return { model_stats: manifests.map((manifest) => this.#stat(manifest)) };
  }

  #stat(manifest: Manifest) {
    const { requests, failures, inferences, lastInference } = this.#of(manifest);
    const count = (times: number) => ({ count: times, ns: 0 });
    return {
      name: manifest.id,
      version: String(manifest.revision),
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

  #of({ id, revision }: Manifest): Counts {
    const name = `${id}@${revision}`;
    const counts = this.#versions.get(name) ?? { requests: 0, failures: 0, inferences: 0, lastInference: 0 };
    this.#versions.set(name, counts);
    return counts;
  }
}
