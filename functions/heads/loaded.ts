import { sha256OfText } from '../bytes.ts';
import type { HeadDescription } from './head.ts';
import type { ClassRow, HeadRow } from './store.ts';
import { fitted } from './temperature.ts';
import { fromBase64 } from './vectors.ts';

/** A head as it was in one state, ready to be asked. */
export interface LoadedHead {
  readonly row: HeadRow;
  readonly labels: readonly string[];
  readonly images: readonly number[];
  /** Direction of each class, int8 `[dims]`. */
  readonly means: readonly Int8Array[];
  readonly temperature: number;
  /** SHA-256 of its content. */
  readonly version: string;
}

/** @param classes in the order of their labels */
export async function loadedHead(row: HeadRow, classes: readonly ClassRow[]): Promise<LoadedHead> {
  const temperature = fitted(row.losses);
  const content = classes.map(({ label, images, mean }) => [label, images, mean]);
  return {
    row,
    labels: classes.map(({ label }) => label),
    images: classes.map(({ images }) => images),
    means: classes.map(({ mean }) => new Int8Array(fromBase64(mean))),
    temperature,
    version: await sha256OfText(JSON.stringify([row.base, row.base_version, temperature, content])),
  };
}

export function describe({ row, labels, images, temperature, version }: LoadedHead): HeadDescription {
  return {
    id: row.id,
    base: { id: row.base, version: row.base_version, revision: row.base_revision },
    version,
    temperature,
    classes: labels.map((label, at) => ({ label, images: images[at] ?? 0 })),
    created_at: new Date(row.created_at).toISOString(),
    changed_at: new Date(row.changed_at).toISOString(),
  };
}

/** Of the heads asked last: so many bytes of means stay in this isolate. */
const KEPT_BYTES = 4_000_000;

/** The heads that were asked last, each in its last state. */
export class RecentHeads {
  /** Least recently used first. */
  readonly #heads = new Map<string, LoadedHead>();
  #bytes = 0;

  get(owner: string, { id, state }: HeadRow): LoadedHead | undefined {
    const key = keyOf(owner, id);
    const head = this.#heads.get(key);
    if (head?.row.state !== state) return undefined;
    this.#heads.delete(key);
    this.#heads.set(key, head);
    return head;
  }

  set(owner: string, head: LoadedHead): void {
    this.#delete(keyOf(owner, head.row.id));
    if (bytesOf(head) > KEPT_BYTES) return;
    this.#heads.set(keyOf(owner, head.row.id), head);
    this.#bytes += bytesOf(head);
    for (const key of this.#heads.keys()) {
      if (this.#bytes <= KEPT_BYTES) break;
      this.#delete(key);
    }
  }

  #delete(key: string): void {
    const head = this.#heads.get(key);
    if (!head) return;
    this.#heads.delete(key);
    this.#bytes -= bytesOf(head);
  }
}

const keyOf = (owner: string, id: string) => JSON.stringify([owner, id]);
const bytesOf = ({ means, row }: LoadedHead) => 1000 + means.length * (row.dims + 200);
