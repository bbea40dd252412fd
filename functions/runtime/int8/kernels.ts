import type { OpKind } from './program.ts';
import type { ThreadPool } from './threads.ts';

/** The builds of the kernels; where relaxed SIMD is missing, its builds need not be there (they would not compile). */
export interface KernelModules {
  readonly baseline: WebAssembly.Module;
  readonly relaxed: WebAssembly.Module | undefined;
  /** The relaxed build around the adding dot product, for processors that have it as one instruction. */
  readonly fused?: WebAssembly.Module;
  /** Where programs run on other threads, in the memory and on the build of these. */
  readonly threads?: ThreadPool | undefined;
}

export type Build = 'baseline' | 'relaxed' | 'fused';

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
  'depthwise-wide': 'depthwiseWide',
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

/**
 * What the relaxed dot product that adds makes of 127 and −1, which is beyond the 7 bits of its second operand: x64 takes
 * that as 255, and `vpmaddubsw`, the first of several instructions, saturates 2 · 127 · 255 to 32767. `vpdpbusd`
 * (AVX-VNNI) gives 4 · 127 · 255; where bytes are signed (Arm) it is −4 · 127, and one instruction (`sdot`) or cheaper
 * than the other dot product.
 */
const SEVERAL_INSTRUCTIONS = 2 * 32_767;

export function addsInOneInstruction(relaxed: WebAssembly.Module): boolean {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { dotAddLane } = new WebAssembly.Instance(relaxed, { env: { memory } }).exports;
  return (dotAddLane as (first: number, second: number) => number)(127, -1) !== SEVERAL_INSTRUCTIONS;
}

/** The fastest build that this engine and processor can run; all give the same bits. */
export function chooseBuild(modules: KernelModules): Build {
  const relaxed = hasRelaxedSimd() ? modules.relaxed : undefined;
  if (!relaxed) return 'baseline';
  return addsInOneInstruction(relaxed) && modules.fused ? 'fused' : 'relaxed';
}

export const chooseKernels = (modules: KernelModules): WebAssembly.Module =>
  modules[chooseBuild(modules)] ?? modules.baseline;
