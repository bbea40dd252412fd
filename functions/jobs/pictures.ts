import { begunAhead } from './ahead.ts';

/**
 * The pictures that came with an order lie in one object of the bucket, one behind the other: an operation of the bucket
 * takes longer than a small model, and each is paid for.
 */

/** What the keys of a job begin with. */
export const objectsOf = (job: string): string => `jobs/${job}/`;
export const picturesKey = (job: string): string => `${objectsOf(job)}pictures`;

/** Where one lies in that object. */
export interface Span {
  readonly at: number;
  readonly bytes: number;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Read together, and while the ones before them are classified. */
const PIECE_BYTES = 1_000_000;
/** One that is used, one that comes. */
const AHEAD = 2;

/** Spans of pictures of these sizes, by hash. @returns and how many bytes they are together */
export function laidOut(pictures: readonly { readonly hash: string; readonly bytes: number }[]) {
  const spans = new Map<string, Span>();
  let at = 0;
  for (const { hash, bytes } of pictures) {
    spans.set(hash, { at, bytes });
    at += bytes;
  }
  return { spans, totalBytes: at };
}

/** @param pictures in the order of their spans; each is asked for when the ones before it are gone */
export async function putPictures(
  bucket: R2Bucket,
  job: string,
  totalBytes: number,
  pictures: Iterable<() => Bytes>,
): Promise<void> {
  const { readable, writable } = new FixedLengthStream(totalBytes);
  const writer = writable.getWriter();
  const write = async () => {
    for (const picture of pictures) await writer.write(picture());
    await writer.close();
  };
  const writing = write();
  // Told by what is put.
  writing.catch(() => {});
  try {
    // The same class, by the types of two worlds.
    await bucket.put(picturesKey(job), readable as unknown as Parameters<R2Bucket['put']>[1]);
    await writing;
  } catch (error) {
    await writer.abort(error).catch(() => {});
    throw error;
  }
}

/** A picture of a job: in the bucket, or at an address. */
export type Source = (Span & { readonly url: null }) | { readonly url: string };

/** Some that lie one behind the other, or one at an address. */
interface Piece<Picture> {
  readonly span: Span | undefined;
  readonly pictures: readonly Picture[];
}

/**
 * Each picture in turn, with what gives its bytes. Several small ones of the bucket are read at once, ahead of their
 * turn; larger ones, and those at addresses, when they are asked for.
 */
export async function* takenPictures<Picture extends { readonly source: Source }>(
  bucket: R2Bucket,
  job: string,
  pictures: readonly Picture[],
  fetched: (url: string) => Promise<Bytes>,
): AsyncGenerator<readonly [picture: Picture, bytes: () => Promise<Bytes>]> {
  const read = async ({ at, bytes }: Span) => {
    const object = await bucket.get(picturesKey(job), { range: { offset: at, length: bytes } });
    if (!object) throw new Error(`${picturesKey(job)} is not in the bucket`);
    return new Uint8Array(await object.arrayBuffer());
  };
  const begin = async ({ span }: Piece<Picture>) => (span && span.bytes <= PIECE_BYTES ? read(span) : undefined);
  for await (const [{ span, pictures: together }, begun] of begunAhead(piecesOf(pictures), AHEAD, begin)) {
    for (const picture of together) {
      const { source } = picture;
      const bytes = async () => {
        if (source.url !== null) return fetched(source.url);
        if (begun.status === 'rejected') throw begun.reason;
        const from = source.at - (span?.at ?? 0);
        return begun.value?.slice(from, from + source.bytes) ?? read(source);
      };
      yield [picture, bytes];
    }
  }
}

function piecesOf<Picture extends { readonly source: Source }>(pictures: readonly Picture[]): Piece<Picture>[] {
  const pieces: Piece<Picture>[] = [];
  for (const picture of pictures) {
    const { source } = picture;
    const last = pieces.at(-1);
    const joins =
      source.url === null &&
      last?.span &&
      source.at === last.span.at + last.span.bytes &&
      last.span.bytes + source.bytes <= PIECE_BYTES;
    if (joins) {
      const span = { at: last.span.at, bytes: last.span.bytes + source.bytes };
      pieces.splice(-1, 1, { span, pictures: [...last.pictures, picture] });
    } else {
      pieces.push({ span: source.url === null ? source : undefined, pictures: [picture] });
    }
  }
  return pieces;
}
