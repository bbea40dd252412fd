/** The kernels of all builds: each takes the address of its op's record and that of the arena. */
export { conv } from './conv';
export { convFirst } from './conv-first';
export { copy } from './copy';
export { denseInt4 } from './dense';
export { depthwise, depthwiseWide } from './depthwise';
export { dotAddLane } from './dot';
export { add, lookup, mul } from './elementwise';
export { lrn } from './lrn';
export { averagePool, globalAverage, maxPool } from './pool';

/** Which of the builds this is. */
export function isRelaxed(): bool {
  return ASC_FEATURE_RELAXED_SIMD;
}

export function isFused(): bool {
  return <bool>FUSED;
}
