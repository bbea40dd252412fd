/**
 * Records of ops as the kernels read them: the words of `fields` in ../program.ts, in the same order, section by
 * section. A test holds the two against each other.
 */

@unmanaged export class Tensors {
  input: i32;
  inputHeight: i32;
  inputWidth: i32;
  inputChannels: i32;
  inputStride: i32;
  output: i32;
  outputHeight: i32;
  outputWidth: i32;
  outputChannels: i32;
  outputStride: i32;
}

@unmanaged export class Windowed extends Tensors {
  kernelHeight: i32;
  kernelWidth: i32;
  strideY: i32;
  strideX: i32;
  padTop: i32;
  padLeft: i32;
}

/** After `Windowed` in convolutions, after `Tensors` in `dense-int4`. */
@unmanaged export class Epilogue {
  scale: i32;
  bias: i32;
  residual: i32;
  residualStride: i32;
  residualScale: f32;
  activation: i32;
  slope: i32;
  alpha: f32;
  beta: f32;
  activationScale: f32;
  activationZero: f32;
  low: f32;
  high: f32;
  float: i32;
}

/** After the epilogue. */
@unmanaged export class ConvFirstTail {
  weights: i32;
  padValues: i32;
  scratch: i32;
  scratchBytes: i32;
}

@unmanaged export class ConvTail {
  dilationY: i32;
  dilationX: i32;
  groups: i32;
  padValue: i32;
  weights: i32;
  form: i32;
  scratch: i32;
  scratchBytes: i32;
}

@unmanaged export class DepthwiseTail {
  dilationY: i32;
  dilationX: i32;
  padValue: i32;
  weights: i32;
}

@unmanaged export class DenseInt4Tail {
  weights: i32;
  groupScales: i32;
}

@unmanaged export class AveragePool extends Windowed {
  padBottom: i32;
  padRight: i32;
  countPads: i32;
  zero: i32;
  multiplier: f32;
  bias: f32;
}

@unmanaged export class GlobalAverage extends Tensors {
  multiplier: f32;
  bias: f32;
  float: i32;
}

@unmanaged export class Lrn extends Tensors {
  size: i32;
  zero: i32;
  alpha: f32;
  k: f32;
  quarters: i32;
  multiplier: f32;
  bias: f32;
}

@unmanaged export class Add extends Tensors {
  other: i32;
  otherStride: i32;
  scale: f32;
  otherScale: f32;
  bias: f32;
  low: f32;
  high: f32;
}

@unmanaged export class Mul extends Tensors {
  other: i32;
  otherStride: i32;
  broadcast: i32;
  zero: i32;
  otherZero: i32;
  scale: f32;
  bias: f32;
  low: f32;
  high: f32;
}

@unmanaged export class Lookup extends Tensors {
  table: i32;
  perChannel: i32;
}

@unmanaged export class Copy extends Tensors {
  strideY: i32;
  strideX: i32;
  strideC: i32;
  padTop: i32;
  padLeft: i32;
  padChannel: i32;
  scale: f32;
  bias: f32;
  fill: i32;
}

// @ts-ignore: decorator
@inline
export function windowEpilogue(op: Windowed): Epilogue {
  return changetype<Epilogue>(changetype<usize>(op) + offsetof<Windowed>());
}

/** What follows the epilogue of a windowed op. */
// @ts-ignore: decorator
@inline
export function windowTail<T>(op: Windowed): T {
  return changetype<T>(changetype<usize>(op) + offsetof<Windowed>() + offsetof<Epilogue>());
}
