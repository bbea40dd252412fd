import { randomHex } from './random-hex.ts';

/** Where a request stands in a trace that others began: W3C Trace Context, https://www.w3.org/TR/trace-context/. */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** Of the span that this service adds: 16 hexadecimal digits. */
  readonly spanId: string;
  /** Whether the caller records this trace. */
  readonly sampled: boolean;
  /** Of other tracing systems, handed on as it came. */
  readonly state?: string;
}

/** Section 3.2.2. A later version may have more behind the flags, version 00 may not. */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?$/;
/** What has to be handed on at least (section 3.3.1.5); more may be cut, and a longer one is left out here. */
const MAX_STATE = 512;
const SAMPLED = 1;
const TRACE_BYTES = 16;
const SPAN_BYTES = 8;

/**
 * Continues the trace of a request with a new span, or begins one where it brought none that is valid (section 4.3).
 * @param traceparent as it came; two of them, joined by a comma, are not valid
 */
export function traceOf(traceparent: string | null, tracestate: string | null): Trace {
  const [, version, traceId, flags = '0', more] = TRACEPARENT.exec(traceparent?.trim() ?? '') ?? [];
  if (traceId === undefined || (version === '00' && more !== undefined)) {
    return { traceId: randomHex(TRACE_BYTES), spanId: newSpan(), sampled: false };
  }
  const sampled = (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED;
  const handedOn = tracestate && tracestate.length <= MAX_STATE ? { state: tracestate } : {};
  return { traceId, spanId: newSpan(), sampled, ...handedOn };
}

/** As a header, in version 00: of flags that this service knows. */
export const traceparent = ({ traceId, spanId, sampled }: Trace): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;

const newSpan = (): string => randomHex(SPAN_BYTES);
