import type { Activation } from '../graph/graph.ts';
import type { Quantization } from './ranges.ts';

/** Entries of a table: one a value of 7 bits. */
const ENTRIES = 128;

/** An activation as a table of bytes: of 128 for all channels, or, with slopes of their own, [channels][128]. */
export function tableOf(activation: Activation, channels: number, input: Quantization, output: Quantization) {
  const perChannel = activation.kind === 'prelu' && activation.slope.length > 1;
  const table = Uint8Array.from({ length: ENTRIES * (perChannel ? channels : 1) }, (_, index) => {
    const x = ((index % ENTRIES) - input.zero) * input.scale;
    const value = activate(activation, x, Math.floor(index / ENTRIES));
    return Math.min(Math.max(Math.round(value / output.scale) + output.zero, 0), output.levels);
  });
  return { table, perChannel };
}

function activate(activation: Activation, x: number, channel: number): number {
  switch (activation.kind) {
    case 'clip':
      return Math.min(Math.max(x, activation.low), activation.high);
    case 'prelu':
      return x >= 0 ? x : x * (activation.slope[channel] ?? 0);
    case 'sigmoid':
      return 1 / (1 + Math.exp(-x));
    case 'hard-sigmoid':
      return Math.min(Math.max(activation.alpha * x + activation.beta, 0), 1);
    case 'hard-swish':
      return x * Math.min(Math.max(x / 6 + 1 / 2, 0), 1);
    default:
      return activation satisfies never;
  }
}
