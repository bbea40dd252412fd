/** What `plan.ts` writes for each component; addresses are of this memory. */
@unmanaged
export class Component {
  /** Sampling factors. */
  across: i32;
  down: i32;
  /** Samples a side that a block becomes: 8, 4, 2 or 1. */
  side: i32;
  /** u16 `[80]`: where the coefficient of each zigzag index lies in a block, in bytes; 128 where it is not kept. */
  place: i32;
  /** Zigzag index of the last coefficient that is kept. */
  last: i32;
  /** Huffman tables. */
  dc: i32;
  ac: i32;
  /** DC of the block before. */
  predicted: i32;
  /** i16 `[side, side]`. */
  quantizers: i32;
  /** Samples of two rows of units, a ring: u8 `[2 · down · side, stride]`. */
  plane: i32;
  stride: i32;
  /** Blocks of a row, padded to whole units, and of the picture as it is. */
  blocksAcross: i32;
  ownAcross: i32;
  ownDown: i32;
  /** Where scans add up: i16 `[blocks, side, side]`. */
  coefficients: i32;
  /** u64 `[blocks]`: a bit for each coefficient that is not zero, kept or not; 0 where no scan asks. */
  history: i32;
  /** Samples that belong to the picture. */
  width: i32;
  height: i32;
  /** Output pixels for each sample. */
  expandX: i32;
  expandY: i32;
  /** Whether samples in between are interpolated. */
  fancy: i32;
  /** u8 `[output width]`, with 32 bytes to spare: an upsampled row. */
  line: i32;
}

/** Addresses that `plan.ts` knows too. */
export const COMPONENTS: i32 = 1024;
export const COMPONENT_BYTES: i32 = 128;
/** Components of the scan, u8 `[4]`. */
export const SCAN: i32 = 2048;
/** One block and a place for what is not kept. */
export const BLOCK: i32 = 49152;
export const INPUT: i32 = 65536;

// @ts-ignore: decorator
@inline
export function component(index: i32): Component {
  return changetype<Component>((COMPONENTS + index * COMPONENT_BYTES) as usize);
}
