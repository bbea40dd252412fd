import { ownerOf } from '../access/owner.ts';
import { callerAtWork } from './access.ts';
import { note, type RequestRecord, recordAtWork } from './record.ts';

/** What a `Cache-Control` of a request asks for (RFC 9111, section 5.2.1). */
export function freshnessOf(control: string | null): RequestRecord['freshness'] {
  const directives = (control ?? '').toLowerCase().split(/[\s,]+/);
  if (directives.includes('no-store')) return 'no-store';
  return directives.includes('no-cache') || directives.includes('max-age=0') ? 'no-cache' : undefined;
}

/**
 * How the request at work may use the answers that are kept. Those of one key are shown to no other; where access is on
 * and nobody knows whose work it is, none are used.
 */
export function cacheUse(accessIsOn: boolean): { scope: string; read: boolean } | undefined {
  const caller = callerAtWork();
  const freshness = recordAtWork()?.freshness;
  if ((accessIsOn && !caller) || freshness === 'no-store') return undefined;
  return { scope: ownerOf(caller), read: freshness === undefined };
}

/** Of several pictures in a request, `hit` and `bypass` are said where they are true of all. */
export function noteCache(result: NonNullable<RequestRecord['cache']>): void {
  const before = recordAtWork()?.cache ?? result;
  note({ cache: before === result ? result : 'miss' });
}

/** Who spoke, and whether from memory. */
export function servedHeaders({ version, revision, cache }: RequestRecord): [name: string, value: string][] {
  const headers: [string, string][] = [];
  if (version !== undefined) headers.push(['x-model-version', version]);
  if (revision !== undefined) headers.push(['x-model-revision', String(revision)]);
  if (cache !== undefined) headers.push(['x-cache', cache]);
  return headers;
}
