import type { ClassifyOptions } from '../classify/classify.ts';
import type { Options } from '../input/options.ts';

/** A caller's options by the names that `classify/` has for them. */
export function classifyOptions(options: Options): ClassifyOptions {
  const { top_k: topK, min_score: minScore, reject_unknown: rejectUnknown, head: _, ...rest } = options;
  return { ...rest, topK, minScore, rejectUnknown };
}
