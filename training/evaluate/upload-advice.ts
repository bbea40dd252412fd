import type { Upload } from '../../functions/catalogue/upload.ts';
import type { Photo } from './photos.ts';

/** One way to make photos small, and what became of them. */
export interface Attempt {
  readonly longestEdge: number;
  readonly quality: number;
  /** Bytes of each file. */
  readonly bytes: readonly number[];
  readonly same: number;
  /** Whether it was given up because it could not reach the goal any more. */
  readonly stopped: boolean;
}

export interface Trial {
  /** The first class that the service names. */
  readonly classOf: (file: Uint8Array) => Promise<number>;
  readonly photos: AsyncIterable<Photo>;
  readonly count: number;
  readonly edges: readonly number[];
  readonly qualities: readonly number[];
  /** Share of the pictures that must keep their first class. */
  readonly goal: number;
}

/**
 * Photos against what is made of them, each edge at each quality. A way that has lost too many to reach the goal is tried
 * no further, but for the largest edge at the best quality: whatever comes of the others, that is known of all.
 * @returns by edge, then by quality, from the least
 */
export async function tryUploads({ classOf, photos, count, edges, qualities, goal }: Trial): Promise<Attempt[]> {
  const ways = ascending(edges).flatMap((longestEdge) =>
    ascending(qualities).map((quality) => ({ longestEdge, quality, bytes: [] as number[], same: 0, lost: 0 })),
  );
  const mayLose = Math.floor(count * (1 - goal) + 1e-9);
  const last = ways.at(-1);
  for await (const photo of photos) {
    const whole = await classOf(photo.file);
    const open = ways.filter((way) => way.lost <= mayLose || way === last);
    for (const edge of new Set(open.map(({ longestEdge }) => longestEdge))) {
      const encode = await photo.shrunk(edge);
      for (const way of open.filter(({ longestEdge }) => longestEdge === edge)) {
        const file = await encode(way.quality);
        way.bytes.push(file.length);
        if ((await classOf(file)) === whole) way.same++;
        else way.lost++;
      }
    }
  }
  return ways.map(({ lost, ...way }) => ({ ...way, stopped: way.bytes.length < count }));
}

/** The first that reaches the goal, else what is known of the last. @param attempts not empty */
export function adviceOf(
  attempts: readonly Attempt[],
  goal: number,
  facts: Pick<Upload, 'enlarged' | 'dataset'>,
): Upload | undefined {
  const reached = attempts.find(({ stopped, same, bytes }) => !stopped && same >= goal * bytes.length);
  const one = reached ?? attempts.at(-1);
  if (one === undefined || one.bytes.length === 0) return undefined;
  const sizes = ascending(one.bytes);
  return {
    goal,
    longestEdge: reached?.longestEdge ?? null,
    quality: one.quality,
    formats: ['image/jpeg'],
    typicalBytes: sizes[sizes.length >> 1] ?? 0,
    maxBytes: sizes.at(-1) ?? 0,
    agreement: one.same / one.bytes.length,
    images: one.bytes.length,
    ...facts,
    tried: ascending([...new Set(attempts.map(({ longestEdge }) => longestEdge))]),
  };
}

const ascending = (values: readonly number[]) => [...values].sort((a, b) => a - b);
