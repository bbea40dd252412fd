import { AveragePool, GlobalAverage, Windowed } from './op';
import { storeFirst, toBytes } from './requantize';

/** Pools go pixel by pixel over the part of the window that lies inside the map. */

export function maxPool(op: Windowed, arena: usize): void {
  const stride = op.inputStride;
  for (let y = 0; y < op.outputHeight; y++) {
    const fromY = max(0, y * op.strideY - op.padTop);
    const toY = min(op.inputHeight, y * op.strideY - op.padTop + op.kernelHeight);
    for (let x = 0; x < op.outputWidth; x++) {
      const fromX = max(0, x * op.strideX - op.padLeft);
      const toX = min(op.inputWidth, x * op.strideX - op.padLeft + op.kernelWidth);
      const output = arena + op.output + (y * op.outputWidth + x) * op.outputStride;
      for (let c = 0; c < op.outputChannels; c += 16) {
        let most = i8x16.splat(0);
        for (let tapY = fromY; tapY < toY; tapY++) {
          let at = arena + op.input + (tapY * op.inputWidth + fromX) * stride + c;
          for (let tapX = fromX; tapX < toX; tapX++, at += stride) most = i8x16.max_u(most, v128.load(at));
        }
        storeFirst(output + c, most, op.outputChannels - c);
      }
    }
  }
}

export function averagePool(op: AveragePool, arena: usize): void {
  const stride = op.inputStride;
  const low = f32x4.splat(0), high = f32x4.splat(127), bias = f32x4.splat(op.bias);
  for (let y = 0; y < op.outputHeight; y++) {
    const windowY = y * op.strideY - op.padTop;
    const fromY = max(0, windowY);
    const toY = min(op.inputHeight, windowY + op.kernelHeight);
    for (let x = 0; x < op.outputWidth; x++) {
      const windowX = x * op.strideX - op.padLeft;
      const fromX = max(0, windowX);
      const toX = min(op.inputWidth, windowX + op.kernelWidth);
      const inside = (toY - fromY) * (toX - fromX);
      let divisor = inside;
      if (op.countPads) {
        const rows = min(windowY + op.kernelHeight, op.inputHeight + op.padBottom) - windowY;
        const columns = min(windowX + op.kernelWidth, op.inputWidth + op.padRight) - windowX;
        divisor = rows * columns;
      }
      const multiplier = f32x4.splat(op.multiplier / <f32>divisor);
      const output = arena + op.output + (y * op.outputWidth + x) * op.outputStride;
      for (let c = 0; c < op.outputChannels; c += 8) {
        let sum0 = i32x4.splat(-inside * op.zero), sum1 = sum0;
        for (let tapY = fromY; tapY < toY; tapY++) {
          let at = arena + op.input + (tapY * op.inputWidth + fromX) * stride + c;
          for (let tapX = fromX; tapX < toX; tapX++, at += stride) {
            const value = v128.load8x8_u(at);
            sum0 = i32x4.add(sum0, i32x4.extend_low_i16x8_u(value));
            sum1 = i32x4.add(sum1, i32x4.extend_high_i16x8_u(value));
          }
        }
        const v0 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sum0), multiplier), bias);
        const v1 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sum1), multiplier), bias);
        storeFirst(output + c, toBytes(v0, v1, low, high), min(8, op.outputChannels - c));
      }
    }
  }
}

export function globalAverage(op: GlobalAverage, arena: usize): void {
  const stride = op.inputStride;
  const pixels = op.inputHeight * op.inputWidth;
  const low = f32x4.splat(0), high = f32x4.splat(127);
  const multiplier = f32x4.splat(op.multiplier), bias = f32x4.splat(op.bias);
  for (let c = 0; c < op.outputChannels; c += 8) {
    let sum0 = i32x4.splat(0), sum1 = sum0;
    let at = arena + op.input + c;
    for (let pixel = 0; pixel < pixels; pixel++, at += stride) {
      const value = v128.load8x8_u(at);
      sum0 = i32x4.add(sum0, i32x4.extend_low_i16x8_u(value));
      sum1 = i32x4.add(sum1, i32x4.extend_high_i16x8_u(value));
    }
    const v0 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sum0), multiplier), bias);
    const v1 = f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(sum1), multiplier), bias);
    const count = min(8, op.outputChannels - c);
    if (op.float) {
      storeFirst(arena + op.output + c * 4, v0, count * 4);
      if (count > 4) storeFirst(arena + op.output + c * 4 + 16, v1, (count - 4) * 4);
    } else {
      storeFirst(arena + op.output + c, toBytes(v0, v1, low, high), count);
    }
  }
}
