import { describe, expect, it } from 'vitest';
import { fileModules } from '../../../functions/file-modules.ts';
import { chooseKernels } from '../../../functions/runtime/int8/kernels.ts';

/** A module with the memory of the kernels and a `dotAddLane` that answers as another processor would. */
function processorThatAnswers(lane: number): WebAssembly.Module {
  const name = (text: string) => [text.length, ...new TextEncoder().encode(text)];
  const section = (id: number, bytes: readonly number[]) => [id, bytes.length, ...bytes];
  const body = [0, 0x41, ...signedLeb128(lane), 0x0b];
  return new WebAssembly.Module(
    Uint8Array.of(
      ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      ...section(1, [1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f]),
      ...section(2, [1, ...name('env'), ...name('memory'), 2, 0, 1]),
      ...section(3, [1, 0]),
      ...section(7, [1, ...name('dotAddLane'), 0, 0]),
      ...section(10, [1, body.length, ...body]),
    ),
  );
}

function signedLeb128(value: number): number[] {
  const [low, rest] = [value & 127, value >> 7];
  const ends = rest === (low & 64 ? -1 : 0);
  return ends ? [low] : [low | 128, ...signedLeb128(rest)];
}

const { baseline, fused } = fileModules.int8;

describe('the build that is chosen', () => {
  it.each([
    ['vpmaddubsw, vpmaddwd, vpaddd', 65_534, false],
    ['vpdpbusd (AVX-VNNI)', 129_540, true],
    ['signed bytes (Arm)', -508, true],
  ] as const)('by a processor that adds dot products with %s', (_, lane, isFused) => {
    const relaxed = processorThatAnswers(lane);
    expect(chooseKernels({ baseline, relaxed, fused })).toBe(isFused ? fused : relaxed);
    expect(chooseKernels({ baseline, relaxed })).toBe(relaxed);
  });
});
