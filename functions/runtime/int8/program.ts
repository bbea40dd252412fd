/**
 * A compiled network: a flat list of ops over one arena and one block of weights. The contract of the
 * compiler, the reference and the engine; `README.md` beside this file has the numbers and the layouts.
 *
 * Every op is a record of numbers. Tensors are arena offsets in bytes, weights are offsets in the block of
 * weights (its first 64 bytes are unused, so 0 means "none"); no offset needs an alignment, but 16 is faster. An
 * op's record lies in WebAssembly memory as the words listed in `fields`, in that order (`encoding.ts`), where the
 * kernel reads it.
 *
 * Tensors are NHWC, uint8, batch 1: value (y, x, c) at `offset + (y · width + x) · stride + c`, stride ≥ channels.
 * Activations hold 7 bits, 0…127, and mean `(q − zero) · scale`; scales stand only in multipliers. Where 7 bits are too
 * few, a tensor holds 8, 0…255: `conv` of form 3, `depthwise-wide`, residuals, `add`, `mul`, `max-pool`, `average-pool`
 * and `global-average` read those, and what clamps to `high` (or takes the larger) makes them. A kernel writes
 * exactly the channels of its output: bytes between channels and stride are left alone and hold anything, so that
 * several ops may fill slices of one concatenated tensor, whatever their channel counts.
 * The input tensor alone holds 8-bit pixels: only `conv-first` and `copy` read it.
 * Float tensors (`float` outputs) are float32, densely packed, at an offset that is a multiple of 4.
 *
 * An output may lie exactly on an input (same offset and stride) in `add`, `mul`, `lookup`, and on the residual of an
 * epilogue; every other overlap of an output with an input or with scratch is refused.
 */

/** Bump on every change that an older engine would misread. */
export const PROGRAM_VERSION = 1;

/** Bytes past a tensor, scratch or a weight panel that a kernel may read (never use): the planner pads by as much. */
export const OVERREAD_BYTES = 64;

/** What an epilogue does with v = acc · scale[c] + bias[c] (+ residual · residualScale). All float32, no fused multiply-add. */
export const ACTIVATIONS = ['none', 'prelu', 'sigmoid', 'hard-sigmoid', 'hard-swish'] as const;
export type ActivationName = (typeof ACTIVATIONS)[number];

/** i: int32 word, f: float32 word. Words of the first ten fields are the same in every op. */
const TENSORS = {
  input: 'i',
  inputHeight: 'i',
  inputWidth: 'i',
  inputChannels: 'i',
  inputStride: 'i',
  output: 'i',
  outputHeight: 'i',
  outputWidth: 'i',
  outputChannels: 'i',
  outputStride: 'i',
} as const;

const WINDOW = {
  kernelHeight: 'i',
  kernelWidth: 'i',
  strideY: 'i',
  strideX: 'i',
  padTop: 'i',
  padLeft: 'i',
} as const;

/**
 * From an accumulator to an output. v = acc · scale[c] + bias[c]; with a residual v = v + r · residualScale, r its
 * raw byte (its zero point is folded into bias). `none`: v stands in output steps already. Any other activation is
 * applied to v in its own units and followed by v = v · activationScale + activationZero (`prelu` uses slope[c];
 * `hard-sigmoid` min(max(v · alpha + beta, 0), 1), `hard-swish` v times that). Then
 * q = nearest(min(max(v, low), high)), ties to even, 0 ≤ low ≤ high ≤ 255.
 * With `float` 1 there is no rounding and no clamp: v (after the activation) is stored as float32 at output + 4 · n,
 * n = pixel · outputChannels + c; outputStride then equals outputChannels.
 */
const EPILOGUE = {
  /** float32[outputChannels rounded up to 8] */
  scale: 'i',
  /** float32[outputChannels rounded up to 8] */
  bias: 'i',
  /** Arena offset of a tensor of the output's shape; −1: none. */
  residual: 'i',
  residualStride: 'i',
  residualScale: 'f',
  /** Index in `ACTIVATIONS`. */
  activation: 'i',
  /** float32[outputChannels rounded up to 8], 0 unless `prelu` */
  slope: 'i',
  alpha: 'f',
  beta: 'f',
  activationScale: 'f',
  activationZero: 'f',
  low: 'f',
  high: 'f',
  float: 'i',
} as const;

export const fields = {
  /**
   * First convolution, on 8-bit pixels of 1…4 channels. K = kernelHeight · kernelWidth · inputChannels (channel
   * fastest) rounded up to even. int8 weights [N/8][K/2][8][2] (`layout.ts`). Outside the image pixel c is
   * padValues byte c (the lowest byte first). `scratch`: a panel of int16 for a block of output pixels
   * (`convFirstScratchBytes`).
   */
  'conv-first': { ...TENSORS, ...WINDOW, ...EPILOGUE, weights: 'i', padValues: 'i', scratch: 'i', scratchBytes: 'i' },
  /**
   * Convolution of 7-bit activations, 1x1 and dense layers included. A tap holds inputChannels / groups channels
   * rounded up to 4, K is kernelHeight · kernelWidth taps, rounded up to 16. int8 weights
   * [groups][N/8][K/4][8][4], N = outputChannels / groups rounded up to 8; padding is zero. `form` 0: w, 1: w4
   * (`fitsW4` of every output channel), 2: F(4x4, 3x3) Winograd (`winograd.ts` says where), 3: any weights,
   * 8-bit activations. `scratch`: a panel for a block of output pixels (`convScratchBytes`), 0 bytes where the tensor
   * itself serves (`readsTensorAsRows`).
   */
  conv: {
    ...TENSORS,
    ...WINDOW,
    ...EPILOGUE,
    dilationY: 'i',
    dilationX: 'i',
    groups: 'i',
    padValue: 'i',
    weights: 'i',
    form: 'i',
    scratch: 'i',
    scratchBytes: 'i',
  },
  /** int8 weights [kernelHeight · kernelWidth][channels rounded up to 8]. A 1x1 one is a batch norm that could not be folded. */
  depthwise: { ...TENSORS, ...WINDOW, ...EPILOGUE, dilationY: 'i', dilationX: 'i', padValue: 'i', weights: 'i' },
  /**
   * Dense layer of 4-bit weights: the input is one pixel of K = inputChannels bytes, K rounded up to 32. Groups of
   * 32 along K, signed −7…7, float16 scale a group and output: acc = Σ over groups, in order, of
   * float(Σ w · q) · groupScale, in float32, and takes the place of the integer one. Layout in `layout.ts`.
   */
  'dense-int4': { ...TENSORS, ...EPILOGUE, weights: 'i', groupScales: 'i' },
  /** Padding never wins; scale and zero of output and input are one. Every window meets the map. */
  'max-pool': { ...TENSORS, ...WINDOW },
  /**
   * v = (Σ (q − zero)) · (multiplier / divisor) + bias; q = nearest(clamp(v, 0, 127)). The divisor counts the
   * positions inside the map, or with countPads 1 those inside the map padded by padTop … padRight.
   */
  'average-pool': {
    ...TENSORS,
    ...WINDOW,
    padBottom: 'i',
    padRight: 'i',
    countPads: 'i',
    zero: 'i',
    multiplier: 'f',
    bias: 'f',
  },
  /** Mean over the map: v = Σ q · multiplier + bias; q = nearest(clamp(v, 0, 127)); float 1 stores v as float32. */
  'global-average': { ...TENSORS, multiplier: 'f', bias: 'f', float: 'i' },
  /**
   * Across channels: s = Σ (q − zero)² over channels c − ⌊(size − 1) / 2⌋ … c + ⌈(size − 1) / 2⌉;
   * v = ((q − zero) · multiplier) / (k + alpha · s)^beta + bias; q = nearest(clamp(v, 0, 127)).
   * beta is quarters / 4, made of square roots and products, so that it has one value everywhere.
   */
  lrn: { ...TENSORS, size: 'i', zero: 'i', alpha: 'f', k: 'f', quarters: 'i', multiplier: 'f', bias: 'f' },
  /** q = nearest(clamp((a · scale + b · otherScale) + bias, low, high)) */
  add: { ...TENSORS, other: 'i', otherStride: 'i', scale: 'f', otherScale: 'f', bias: 'f', low: 'f', high: 'f' },
  /** q = nearest(clamp((a − zero) · (b − otherZero) · scale + bias, low, high)); with broadcast 1 b is one pixel for all. */
  mul: {
    ...TENSORS,
    other: 'i',
    otherStride: 'i',
    broadcast: 'i',
    zero: 'i',
    otherZero: 'i',
    scale: 'f',
    bias: 'f',
    low: 'f',
    high: 'f',
  },
  /** q = table[q], 128 bytes for all channels, or with perChannel 1 [channels][128]. */
  lookup: { ...TENSORS, table: 'i', perChannel: 'i' },
  /**
   * Output (y, x, c) is input (y · strideY − padTop, x · strideX − padLeft, c · strideC − padChannel) requantized,
   * nearest(clamp(q · scale + bias, 0, 127)), or `fill` where that lies outside. Pads may be negative: slices start
   * there. Pads, slices, subsampling, concat by copy. Scale 1, bias 0 moves bytes of 0…127 as they are.
   */
  copy: {
    ...TENSORS,
    strideY: 'i',
    strideX: 'i',
    strideC: 'i',
    padTop: 'i',
    padLeft: 'i',
    padChannel: 'i',
    scale: 'f',
    bias: 'f',
    fill: 'i',
  },
  /** `depthwise` on 8-bit activations. */
  'depthwise-wide': {
    ...TENSORS,
    ...WINDOW,
    ...EPILOGUE,
    dilationY: 'i',
    dilationX: 'i',
    padValue: 'i',
    weights: 'i',
  },
} as const;

/** The words of an epilogue, the same in every op that has one. */
export type EpilogueFields = { readonly [F in keyof typeof EPILOGUE]: number };

export type OpKind = keyof typeof fields;
/** A record of the op's fields; `layer` names the layer for profiles and errors. */
export type OpOf<K extends OpKind> = { readonly kind: K; readonly layer: string } & {
  readonly [F in keyof (typeof fields)[K]]: number;
};
export type Op = { [K in OpKind]: OpOf<K> }[OpKind];

export interface Program {
  /** 8-bit pixels [height, width, channels], densely packed at arena offset 0. */
  readonly input: { readonly height: number; readonly width: number; readonly channels: number };
  /** float32[classes] at this arena offset. */
  readonly output: { readonly offset: number; readonly classes: number };
  readonly arenaBytes: number;
  readonly weightsBytes: number;
  readonly ops: readonly Op[];
}
