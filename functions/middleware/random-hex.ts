import { hexOf } from '../bytes.ts';

/** Random bytes are cheap; asking for them is not. */
const POOL_BYTES = 4_096;
const pool = new Uint8Array(POOL_BYTES);
let used = POOL_BYTES;

/** For names that have to differ from each other. They stand in logs: nothing secret is made of them. */
export function randomHex(bytes: number): string {
  if (used + bytes > POOL_BYTES) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  used += bytes;
  return hexOf(pool.subarray(used - bytes, used));
}
