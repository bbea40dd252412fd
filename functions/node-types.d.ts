import type * as cloudflare from '@cloudflare/workers-types';

/** What the application names of the Workers' globals, for the Node server, whose globals are Node's. */
declare global {
  type D1Database = cloudflare.D1Database;
  type D1PreparedStatement = cloudflare.D1PreparedStatement;
  type D1Result<T = unknown> = cloudflare.D1Result<T>;
  type R2Bucket = cloudflare.R2Bucket;
  type Queue<Body = unknown> = cloudflare.Queue<Body>;
  type Message<Body = unknown> = cloudflare.Message<Body>;
  type MessageBatch<Body = unknown> = cloudflare.MessageBatch<Body>;
  /** Only keys ask for it, which need D1. */
  interface SubtleCrypto {
    timingSafeEqual(a: ArrayBuffer | ArrayBufferView, b: ArrayBuffer | ArrayBufferView): boolean;
  }
}
