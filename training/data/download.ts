import { mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Progress } from '../terminal/progress.ts';
import { DataError } from './errors.ts';

export interface DownloadOptions<T> {
  /** Judges the whole file, which lies at `part` so far, by throwing; what it returns, the download returns. */
  accept(part: string, url: string): Promise<T>;
  /** A longer answer is refused while it arrives. */
  readonly maxBytes: number;
  /** @param total NaN where the server does not say */
  onBytes?(received: number, total: number): void;
  /** Before the second attempt; doubled before each further one. */
  readonly pauseMs?: number;
  /** Silence for this long is a broken connection. */
  readonly stallMs?: number;
}

/** Attempts in a row that bring nothing new, before giving up. */
const ATTEMPTS = 5;
const PAUSE_MS = 1_000;
const STALL_MS = 30_000;
const RETRIED_STATUS = [408, 425, 429, 500, 502, 503, 504];

const NO_SPACE = ['ENOSPC', 'EDQUOT'];

/** The connection or the server failed in a way that may pass. */
class TransferError extends Error {
  override readonly name = 'TransferError';
}

/** The disk is full: another address does not help. */
export class NoSpaceError extends DataError {}

/**
 * {@link download} from the first address that gives a file that is accepted, with a line of progress.
 * @throws DataError with what each address answered; {@link NoSpaceError}
 */
export async function downloadFirst<T>(
  urls: readonly string[],
  target: string,
  options: Omit<DownloadOptions<T>, 'onBytes'>,
): Promise<T> {
  const failures: string[] = [];
  for (const url of urls) {
    let progress: Progress | undefined;
    let scale = 1;
    try {
      const accepted = await download(url, target, {
        ...options,
        onBytes(received, total) {
          const all = Number.isNaN(total) ? options.maxBytes : total;
          scale = all < 10e6 ? 1e3 : 1e6;
          progress ??= new Progress(
            `${path.basename(target)} in ${scale === 1e3 ? 'kB' : 'MB'}`,
            Math.ceil(all / scale),
          );
          progress.update(Math.ceil(received / scale));
        },
      });
      progress?.done();
      return accepted;
    } catch (error) {
      if (error instanceof NoSpaceError) throw error;
      failures.push(`${url}: ${(error as Error).message}`);
    }
  }
  throw new DataError(failures.join('\n'));
}

/**
 * GET to a file, all or nothing: bytes collect in `<target>.part`, which a later attempt, or a later run, resumes
 * by HTTP Range (RFC 9110, section 14); `target` appears when the whole file has been accepted.
 * @throws DataError, TransferError, NoSpaceError, what `accept` throws, or an error of the file system
 */
export async function download<T>(url: string, target: string, options: DownloadOptions<T>): Promise<T> {
  const part = `${target}.part`;
  await mkdir(path.dirname(target), { recursive: true });
  for (let failures = 0; ; ) {
    const before = await sizeOf(part);
    try {
      const resumed = await transfer(url, part, options);
      const accepted = await judge(part, url, resumed, options);
      await rename(part, target);
      return accepted;
    } catch (error) {
      if (isFull(error)) throw noSpace(part, `${(error as Error).message}`);
      failures = (await sizeOf(part)) > before ? 1 : failures + 1;
      if (!(error instanceof TransferError) || failures >= ATTEMPTS) throw error;
      await sleep((options.pauseMs ?? PAUSE_MS) * 2 ** (failures - 1));
    }
  }
}

/** A wrong file is removed. Where it was put together from several answers, it is worth another attempt. */
async function judge<T>(part: string, url: string, resumed: boolean, { accept }: DownloadOptions<T>): Promise<T> {
  try {
    return await accept(part, url);
  } catch (error) {
    await rm(part, { force: true });
    throw resumed ? new TransferError((error as Error).message, { cause: error }) : error;
  }
}

/** One request, appended to `part`. @returns whether it went on where an earlier one had ended */
async function transfer<T>(url: string, part: string, options: DownloadOptions<T>): Promise<boolean> {
  const have = await sizeOf(part);
  const stall = new AbortController();
  const timer = setTimeout(() => stall.abort(), options.stallMs ?? STALL_MS);
  try {
    const response = await network(
      fetch(url, {
        signal: stall.signal,
        headers: { 'accept-encoding': 'identity', ...(have > 0 && { range: `bytes=${have}-` }) },
      }),
    );
    const { start, total } = await placeOf(response, have, part, options.maxBytes);
    if (start === total) return true;
    await mustFit(part, total - start);
    const file = await open(part, start > 0 ? 'a' : 'w');
    try {
      let received = start;
      const reader = response.body?.getReader();
      for (;;) {
        const chunk = await network(reader?.read() ?? Promise.resolve({ done: true as const, value: undefined }));
        if (chunk.done) break;
        timer.refresh();
        received += chunk.value.length;
        if (received > options.maxBytes) throw new DataError(`more than ${options.maxBytes} bytes were sent`);
        await file.write(chunk.value);
        options.onBytes?.(received, total);
      }
      if (received < total) throw new TransferError(`the connection broke off after ${received} of ${total} bytes`);
    } finally {
      await file.close();
    }
    return start > 0;
  } finally {
    clearTimeout(timer);
    stall.abort();
  }
}

/** Where the answer's first byte belongs in the file, and how long the file is. */
async function placeOf(response: Response, have: number, part: string, maxBytes: number) {
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
  const total = Number(range?.[2] ?? response.headers.get('content-length') ?? Number.NaN);
  if (response.status === 416 && total === have) return { start: have, total };
  if (response.status === 416 || (response.status === 206 && Number(range?.[1]) !== have)) {
    await rm(part, { force: true });
    throw new TransferError('the server cannot go on where the last attempt ended');
  }
  if (RETRIED_STATUS.includes(response.status)) throw new TransferError(`the server answered ${response.status}`);
  if (!response.ok) throw new DataError(`the server answered ${response.status}`);
  if (total > maxBytes) throw new DataError(`it would be ${total} bytes, more than ${maxBytes}`);
  return { start: response.status === 206 ? have : 0, total };
}

/** What fails on the way may pass; `fetch` says why only in the cause of its error. */
function network<T>(step: Promise<T>): Promise<T> {
  return step.catch((error: Error) => {
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
    const what = error.name === 'AbortError' ? 'the server fell silent' : `${error.message}${cause}`;
    throw new TransferError(what, { cause: error });
  });
}

/** Known before the first byte where the server says the size; where it does not, a full disk shows while writing. */
async function mustFit(part: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(path.dirname(part));
  if (bytes > bavail * bsize)
    throw noSpace(part, `${megabytes(bytes)} are to come, ${megabytes(bavail * bsize)} are free`);
}

const noSpace = (part: string, why: string) =>
  new NoSpaceError(
    `There is not enough space on the disk for ${part}: ${why}. Free some and run the command again: it goes on where it ended.`,
  );
const isFull = (error: unknown) => error instanceof Error && 'code' in error && NO_SPACE.includes(String(error.code));
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

const sizeOf = (file: string) =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );
