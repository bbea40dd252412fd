import type { ThreadPool } from './runtime/int8/threads.ts';

/** What the Worker, a Node server and a page give the application; the application asks for nothing else. */
export interface Host {
  /** Model folders: `<id>/manifest.json` … */
  readonly models: { open(path: string): Promise<ReadableStream<Uint8Array> | null> };
  /** The page's own files; null where this host has no page. */
  readonly page: ((request: Request) => Promise<Response>) | null;
  readonly modules: Modules;
  /** A HEIC as a JPEG; without it, HEICs are refused. */
  readonly fromHeic?: (file: Uint8Array) => Promise<Uint8Array>;
  /** Bytes that models, decoders and bodies together may hold. */
  readonly memoryBytes: number;
  /** A Worker with an isolate of its own; without one every model runs here. */
  readonly isolated?: {
    /** A model that plans more memory than this runs there. */
    readonly aboveBytes: number;
    fetch(request: Request): Promise<Response>;
  };
  /** Keys, tokens, limits and quotas; without it everything is open to all. */
  readonly access?: Access;
  /** Signed callbacks and hooks; without it there are none. */
  readonly webhooks?: {
    /** Tables of `migrations/`. */
    readonly database: D1Database;
    /** WEBHOOK_SECRET, `whsec_…`: signs where access is off, and encrypts the secrets of owners and sources. */
    readonly secret: string;
  };
  /** Where jobs are kept, and what wakes them; without it there are none. */
  readonly jobs?: {
    /** Tables of `migrations/`. */
    readonly database: D1Database;
    readonly bucket: R2Bucket;
    readonly queue: Queue<unknown>;
  };
  /** A secret that receipts of answers are signed by; without one there are none. */
  readonly receipts?: { readonly secret: string };
  /** Where classes of callers' own are kept; without it there are none. */
  readonly heads?: {
    /** Tables of `migrations/`. */
    readonly database: D1Database;
  };
  /** For development: pictures are fetched from this machine itself too, and callbacks sent to it. */
  readonly httpLoopback?: boolean;
  /** Fetches a picture from an address that others name, as it stands; without it the platform's own `fetch`. */
  readonly fetchAddress?: FetchAddress;
  /** Why there are no keys, jobs and hooks here, where none can be: their routes answer 501 with it. */
  readonly withoutDatabase?: string;
  /** Keeps what networks put out, for when a picture comes again (`classify/answer-cache.ts`); without it each is run. */
  readonly answers?: {
    match(address: string): Promise<Response | undefined>;
    put(address: string, entry: Response): Promise<void>;
  };
  /** Origins whose pages may call, or `*`; none if not given. */
  readonly corsOrigins?: readonly string[];
  /** Takes a data point a request: Analytics Engine, where there is one. */
  readonly metrics?: { writeDataPoint(point: DataPoint): void };
  /** Structured log lines. */
  log(line: Readonly<Record<string, unknown>>): void;
}

/** Redirects are answered, not followed. */
export type FetchAddress = (
  address: URL,
  init: { readonly signal: AbortSignal; readonly headers: Readonly<Record<string, string>> },
) => Promise<Response>;

/** Of Analytics Engine: an index to sample by, and columns of text and numbers. */
export interface DataPoint {
  readonly indexes: string[];
  readonly blobs: string[];
  readonly doubles: number[];
}

/** Who may come in, and how often. */
export interface Access {
  /** Tables of `migrations/`. */
  readonly database: D1Database;
  /** Signs client tokens; without one there are none. */
  readonly tokenSecret?: string | undefined;
  /** An identity provider whose JWTs are taken too. */
  readonly jwt?: { readonly issuer: string; readonly audience: string; readonly jwks: URL } | undefined;
  readonly limits: { readonly key: Limit; readonly address: Limit };
}

/** At most so many requests in so many seconds, by key: those of the Workers' rate limit, which tells neither number. */
export interface Limit {
  readonly requests: number;
  readonly seconds: number;
  limit(of: { key: string }): Promise<{ success: boolean }>;
}

/** Compiled WebAssembly, imported statically at the edge. */
export interface Modules {
  readonly tfjs: WebAssembly.Module;
  readonly jpeg: WebAssembly.Module;
  readonly webp?: WebAssembly.Module;
  readonly avif?: WebAssembly.Module;
  readonly int8: {
    readonly baseline: WebAssembly.Module;
    readonly relaxed: WebAssembly.Module | undefined;
    readonly fused?: WebAssembly.Module;
    /** Other threads that run integer programs; without, they run in this one. */
    readonly threads?: ThreadPool | undefined;
  };
}
