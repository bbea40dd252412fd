import { Component, component, } from './component';

/** Of the picture: how components become colours (0 grey, 1 YCbCr, 2 RGB, 3 CMYK, 4 YCCK), and whether CMYK is as it is. */
let colour: i32 = 0;
let plainInk: bool = false;
let width: i32 = 0;
let out: i32 = 0;

export function beginRows(kind: i32, plain: i32, across: i32, line: i32): void {
  colour = kind;
  plainInk = plain != 0;
  width = across;
  out = line;
}

// @ts-ignore: decorator
@inline
function planeRow(c: Component, row: i32): i32 {
  const own = max(0, min(row, c.height - 1));
  return c.plane + (own % (2 * c.down * c.side)) * c.stride;
}

/** Output row `y` of one component; units around it are in the plane. */
function upsampled(c: Component, y: i32): i32 {
  if (c.expandX == 1 && c.expandY == 1) return planeRow(c, y);
  const row = y / c.expandY;
  if (!c.fancy) {
    repeat(planeRow(c, row), c);
    return c.line;
  }
  const near = planeRow(c, row);
  const far = c.expandY == 2 ? planeRow(c, y & 1 ? row + 1 : row - 1) : near;
  if (c.expandX == 1) {
    between(near, far, c, y & 1 ? 2 : 1);
    return c.line;
  }
  sums(near, far, c, c.expandY);
  if (c.expandY == 2) interpolate(c, 8, 7, 4);
  else interpolate(c, 1, 2, 2);
  return c.line;
}

function repeat(from: i32, c: Component): void {
  const by = c.expandX;
  if (by == 2) {
    for (let x = 0; x < c.width; x += 16) {
      const s = v128.load(from + x);
      v128.store(c.line + 2 * x, v128.shuffle<i8>(s, s, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7));
      v128.store(c.line + 2 * x, v128.shuffle<i8>(s, s, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15), 16);
    }
    return;
  }
  for (let x = 0, to = c.line; x < c.width; x++, to += by) memory.fill(to, load<u8>(from + x), by);
}

/** Three parts of the near row, one of the far one. */
function between(near: i32, far: i32, c: Component, bias: i32): void {
  const round = i16x8.splat(bias as i16);
  for (let x = 0; x < c.width; x += 8) {
    const sum = i16x8.add(i16x8.add(triple(v128.load64_zero(near + x)), i16x8.extend_low_i8x16_u(v128.load64_zero(far + x))), round);
    const levels = i16x8.shr_u(sum, 2);
    v128.store64_lane(c.line + x, i8x16.narrow_i16x8_u(levels, levels), 0);
  }
}

// @ts-ignore: decorator
@inline
function triple(samples: v128): v128 {
  return i16x8.mul(i16x8.extend_low_i8x16_u(samples), i16x8.splat(3));
}

/** u16 `[width]` behind the line, with the outermost ones repeated. */
function sums(near: i32, far: i32, c: Component, expandY: i32): void {
  const at = c.line + c.width * 2 + 64;
  for (let x = 0; x < c.width; x += 8) {
    const one = v128.load64_zero(near + x);
    v128.store(
      at + 2 * x,
      expandY == 2
        ? i16x8.add(triple(one), i16x8.extend_low_i8x16_u(v128.load64_zero(far + x)))
        : i16x8.extend_low_i8x16_u(one),
    );
  }
  store<u16>(at - 2, load<u16>(at));
  store<u16>(at + 2 * c.width, load<u16>(at + 2 * c.width - 2));
}

/** libjpeg's triangle filter across. */
function interpolate(c: Component, biasLeft: i32, biasRight: i32, shift: i32): void {
  const at = c.line + c.width * 2 + 64;
  const left = i16x8.splat(biasLeft as i16);
  const right = i16x8.splat(biasRight as i16);
  for (let x = 0; x < c.width; x += 8) {
    const three = i16x8.mul(v128.load(at + 2 * x), i16x8.splat(3));
    const even = i16x8.shr_u(i16x8.add(i16x8.add(three, v128.load(at + 2 * x - 2)), left), shift);
    const odd = i16x8.shr_u(i16x8.add(i16x8.add(three, v128.load(at + 2 * x + 2)), right), shift);
    v128.store(c.line + 2 * x, v128.or(even, i16x8.shl(odd, 8)));
  }
}

/** Output row `y`: u8 `[width, 1 or 3]`. @returns its address */
export function outputRow(y: i32): i32 {
  const first = upsampled(component(0), y);
  if (colour == 0) return first;
  const second = upsampled(component(1), y);
  const third = upsampled(component(2), y);
  if (colour == 2) interleave(first, second, third);
  else if (colour != 3) fromYcc(first, second, third);
  if (colour >= 3) inks(first, second, third, upsampled(component(3), y));
  return out;
}

// @ts-ignore: decorator
@inline
function store3(to: i32, r: v128, g: v128, b: v128): void {
  const rg0 = v128.shuffle<i8>(r, g, 0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 4, 20, 0, 5);
  const rg1 = v128.shuffle<i8>(r, g, 21, 0, 6, 22, 0, 7, 23, 0, 8, 24, 0, 9, 25, 0, 10, 26);
  const rg2 = v128.shuffle<i8>(r, g, 0, 11, 27, 0, 12, 28, 0, 13, 29, 0, 14, 30, 0, 15, 31, 0);
  v128.store(to, v128.shuffle<i8>(rg0, b, 0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15));
  v128.store(to, v128.shuffle<i8>(rg1, b, 0, 21, 2, 3, 22, 5, 6, 23, 8, 9, 24, 11, 12, 25, 14, 15), 16);
  v128.store(to, v128.shuffle<i8>(rg2, b, 26, 1, 2, 27, 4, 5, 28, 7, 8, 29, 10, 11, 30, 13, 14, 31), 32);
}

function interleave(r: i32, g: i32, b: i32): void {
  for (let x = 0, to = out; x < width; x += 16, to += 48) {
    store3(to, v128.load(r + x), v128.load(g + x), v128.load(b + x));
  }
}

// @ts-ignore: decorator
@inline
function scaled(a: v128, b: v128, factors: v128): v128 {
  const low = i32x4.shr_s(i32x4.dot_i16x8_s(v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11), factors), 16);
  const high = i32x4.shr_s(i32x4.dot_i16x8_s(v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15), factors), 16);
  return i16x8.narrow_i32x4_s(low, high);
}

/** JFIF's YCbCr in libjpeg's 16-bit fixed point; what does not fit 16 bits of a factor is added whole. */
function fromYcc(y: i32, cb: i32, cr: i32): void {
  const middle = i16x8.splat(128);
  const two = i16x8.splat(2);
  for (let x = 0, to = out; x < width; x += 16, to += 48) {
    let reds = middle;
    let greens = middle;
    let blues = middle;
    for (let half = 0; half < 16; half += 8) {
      const luma = i16x8.extend_low_i8x16_u(v128.load64_zero(y + x + half));
      const b = i16x8.sub(i16x8.extend_low_i8x16_u(v128.load64_zero(cb + x + half)), middle);
      const r = i16x8.sub(i16x8.extend_low_i8x16_u(v128.load64_zero(cr + x + half)), middle);
      const red = i16x8.add(luma, i16x8.add(r, scaled(r, two, i16x8(26345, 16384, 26345, 16384, 26345, 16384, 26345, 16384))));
      const blue = i16x8.add(
        luma,
        i16x8.add(i16x8.add(b, b), scaled(b, two, i16x8(-14942, 16384, -14942, 16384, -14942, 16384, -14942, 16384))),
      );
      const green = i16x8.add(i16x8.sub(luma, r), green16(b, r));
      if (half == 0) {
        reds = red;
        greens = green;
        blues = blue;
      } else {
        store3(to, i8x16.narrow_i16x8_u(reds, red), i8x16.narrow_i16x8_u(greens, green), i8x16.narrow_i16x8_u(blues, blue));
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function green16(b: v128, r: v128): v128 {
  const factors = i16x8(-22554, 18734, -22554, 18734, -22554, 18734, -22554, 18734);
  const round = i32x4.splat(32768);
  const low = i32x4.dot_i16x8_s(v128.shuffle<i16>(b, r, 0, 8, 1, 9, 2, 10, 3, 11), factors);
  const high = i32x4.dot_i16x8_s(v128.shuffle<i16>(b, r, 4, 12, 5, 13, 6, 14, 7, 15), factors);
  return i16x8.narrow_i32x4_s(i32x4.shr_s(i32x4.add(low, round), 16), i32x4.shr_s(i32x4.add(high, round), 16));
}

/** Light that four inks leave, without a profile. Adobe stores inks inverted; YCCK is that of inverted inks (the row holds RGB). */
function inks(c: i32, m: i32, y: i32, k: i32): void {
  for (let x = 0, to = out; x < width; x++, to += 3) {
    const key = inkLight(load<u8>(k + x));
    for (let i = 0; i < 3; i++) {
      const stored = colour == 4 ? 255 - load<u8>(to + i) : load<u8>((i == 0 ? c : i == 1 ? m : y) + x);
      store<u8>(to + i, (inkLight(stored) * key + 127) / 255);
    }
  }
}

// @ts-ignore: decorator
@inline
function inkLight(stored: i32): i32 {
  return plainInk ? 255 - stored : stored;
}
