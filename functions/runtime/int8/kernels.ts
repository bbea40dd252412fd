import type { OpKind } from './program.ts';

/** Both builds of the kernels; where relaxed SIMD is missing, that one need not be there (it would not compile). */
export interface KernelModules {
  readonly baseline: WebAssembly.Module;
  readonly relaxed: WebAssembly.Module | undefined;
}

/** What a module exports for each kind of op: `(record, arena)`, both addresses. */
export const EXPORTS: Readonly<Record<OpKind, string>> = {
  'conv-first': 'convFirst',
  conv: 'conv',
  depthwise: 'depthwise',
  'dense-int4': 'denseInt4',
  'max-pool': 'maxPool',
  'average-pool': 'averagePool',
  'global-average': 'globalAverage',
  lrn: 'lrn',
  add: 'add',
  mul: 'mul',
  lookup: 'lookup',
  copy: 'copy',
};

export type Kernel = (record: number, arena: number) => void;

/** A function that returns `i16x8.relaxed_dot_i8x16_i7x16_s` of two splats, and nothing else. */
const PROBE = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x0a, 0x0f, 0x01, 0x0d, 0x00, 0x41, 0x00, 0xfd, 0x0f, 0x41, 0x00, 0xfd, 0x0f, 0xfd, 0x92, 0x02, 0x0b],
);

export const hasRelaxedSimd = (): boolean => WebAssembly.validate(PROBE);

/** The faster build that this engine can run; both give the same bits. */
export function chooseKernels(modules: KernelModules): WebAssembly.Module {
  return modules.relaxed && hasRelaxedSimd() ? modules.relaxed : modules.baseline;
}
