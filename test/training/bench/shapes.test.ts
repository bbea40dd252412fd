import { describe, expect, it } from 'vitest';
import { decodeProgram, encodeProgram } from '../../../functions/runtime/int8/encoding.ts';
import { kernelName, macsOf } from '../../bench/kernel-names.ts';
import { programsOf } from '../../bench/kernel-program.ts';
import { NETWORKS } from '../../bench/networks.ts';
import { floatGraphOf } from '../../bench/prepare.ts';
import { type ConvShape, formatShape, parseShape, readShapes, shapeFiles, shapesIn } from '../../bench/shapes.ts';
import { shared } from '../../fixtures/shared.ts';

const macs = ({ kind, input, output, kernel, groups, count }: ConvShape): number =>
  count * output[0] * output[1] * kernel[0] * kernel[1] * (kind === 'depthwise' ? 1 : input[2] / groups) * output[2];

describe('shapes of networks', () => {
  it('are read as they were written, and nothing else is', () => {
    const lines = shapeFiles().flatMap((network) => readShapes(network).map((shape) => [network, shape] as const));
    expect(lines.length).toBeGreaterThan(100);
    for (const [, shape] of lines) expect(parseShape(formatShape(shape))).toEqual(shape);
    expect(() => parseShape('1 conv 56x56 -> 56x56x64 1x1 s1x1 p0,0,0,0 g1')).toThrow('no shape');
  });

  // He et al. 2016 (4.1 · 10^9), Simonyan and Zisserman 2015 (15.3), Szegedy et al. 2015 (1.58), Sandler et al. 2018 (0.30).
  it.each([
    ['resnet50', 4.1e9],
    ['vgg16', 15.35e9],
    ['googlenet', 1.58e9],
    ['mobilenet-v2', 0.3e9],
  ])('%s multiplies as often as its paper says', (network, published) => {
    const total = readShapes(network).reduce((sum, shape) => sum + macs(shape), 0);
    expect(Math.abs(total / published - 1)).toBeLessThan(0.02);
  });

  it.each(shapeFiles())('%s: every form is a program that the engine takes', (network) => {
    for (const shape of readShapes(network)) {
      const programs = programsOf(shape);
      const names = programs.map(({ ops: [op] }) => (op ? kernelName(op) : ''));
      expect(new Set(names).size).toBe(programs.length);
      for (const program of programs) {
        const [op] = decodeProgram(encodeProgram(program)).ops;
        expect(op ? macsOf(op) * shape.count : 0).toBe(macs(shape));
      }
    }
  });

  it.skipIf(!shared('weights/resnet50.onnx')).each(['resnet50', 'vgg16', 'googlenet', 'mobilenet-v2'])(
    '%s: the committed file is up to date (needs weights in FIXTURES_DIR)',
    async (network) => {
      const made = NETWORKS[network]?.();
      if (!made) throw new Error('no such network');
      expect(readShapes(network)).toEqual(shapesIn(await floatGraphOf(made)));
    },
  );
});
