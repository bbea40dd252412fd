import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataError } from './errors.ts';

export interface DownloadOptions<T> {
  /** Judges the whole file by throwing; what it returns, the download returns. */
  accept(bytes: Uint8Array): T;
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

/** The connection or the server failed in a way that may pass. */
class TransferError extends Error {
  override readonly name = 'TransferError';
}

/**
 * GET to a file, all or nothing: bytes collect in `<target>.part`, which a later attempt, or a later run, resumes
 * by HTTP Range (RFC 9110, section 14); `target` appears when the whole file has been accepted.
 * @throws DataError, TransferError, what `accept` throws, or an error of the file system
 */
export async function download<T>(url: string, target: string, options: DownloadOptions<T>): Promise<T> {
  const part = `${target}.part`;
  await mkdir(path.dirname(target), { recursive: true });
  for (let failures = 0; ; ) {
    const before = await sizeOf(part);
    try {
      const resumed = await transfer(url, part, options);
      const accepted = await judge(part, resumed, options);
      await rename(part, target);
      return accepted;
    } catch (error) {
      failures = (await sizeOf(part)) > before ? 1 : failures + 1;
      if (!(error instanceof TransferError) || failures >= ATTEMPTS) throw error;
      await sleep((options.pauseMs ?? PAUSE_MS) * 2 ** (failures - 1));
    }
  }
}

/** A wrong file is removed. Where it was put together from several answers, it is worth another attempt. */
async function judge<T>(part: string, resumed: boolean, { accept }: DownloadOptions<T>): Promise<T> {
  try {
    return accept(await readFile(part));
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

const sizeOf = (file: string) =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );
