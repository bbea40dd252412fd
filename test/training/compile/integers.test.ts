import { describe, expect, it } from 'vitest';
import { decodeProgram, encodeProgram } from '../../../functions/runtime/int8/encoding.ts';
import { outputOf, runReference } from '../../../functions/runtime/int8/reference/run.ts';
import { observe } from '../../../training/compile/calibrate.ts';
import { correctBias } from '../../../training/compile/correct-bias.ts';
import { FloatNetwork } from '../../../training/compile/float-network.ts';
import { IntegerRun } from '../../../training/compile/integer-run.ts';
import { type Prepared, prepare, toIntegers } from '../../../training/compile/pipeline.ts';
import type { Graph, Node } from '../../../training/graph/graph.ts';
import { SignalToNoise } from '../../../training/graph/signal-to-noise.ts';
import { Network, picture, pixelsFor, SMALL_NETWORKS } from './small-networks.ts';

async function quantized(graph: Graph, images: readonly Uint8Array[], denseBits: 4 | 8 = 4, activationBits: 7 | 8 = 7) {
  const prepared: Prepared = prepare(graph, pixelsFor(graph));
  const float = await FloatNetwork.of(prepared.graph, prepared.pixels);
  const run = (image: number, keep: (name: string) => boolean) => float.run(images[image] ?? new Uint8Array(), keep);
  const observations = await observe(prepared.fused, images.length, run, () => {});
  const integers = toIntegers(prepared, observations, { ranges: 'mse', activationBits, denseBits });
  return { prepared, float, observations, integers };
}

const pictures = (graph: Graph, count: number) => Array.from({ length: count }, (_, seed) => picture(graph, seed + 1));

/** Of the output: 7-bit activations leave about 35 dB a layer. */
const LEAST_DECIBELS = 24;

describe('integer programs', () => {
  it.each(Object.entries(SMALL_NETWORKS))('say what float says, in the bits of the reference: %s', async (_, make) => {
    const graph = make();
    const images = pictures(graph, 8);
    const { float, integers } = await quantized(graph, images);
    const run = new IntegerRun(integers, false);
    const program = decodeProgram(encodeProgram(run.packed.program));
    const noise = new SignalToNoise();
    for (const image of images) {
      const output = run.run(image);
      expect(output).toEqual(runReference(program, run.packed.weights, image));
      noise.add(await float.output(image), output);
    }
    expect(noise.decibels).toBeGreaterThan(LEAST_DECIBELS);
  });

  it.each(Object.entries(SMALL_NETWORKS))(
    'keep every value when asked to, and give the same output: %s',
    async (_, make) => {
      const graph = make();
      const [image = new Uint8Array()] = pictures(graph, 1);
      const { float, integers } = await quantized(graph, [image]);
      const [kept, planned] = [new IntegerRun(integers, true), new IntegerRun(integers, false)];
      expect(kept.run(image)).toEqual(planned.run(image));
      expect(planned.packed.program.arenaBytes).toBeLessThanOrEqual(kept.packed.program.arenaBytes);
      const values = await float.run(image, () => true);
      for (const { name } of integers.layers) {
        const noise = new SignalToNoise();
        noise.add(values.get(name) ?? new Float32Array(), kept.value(name));
        expect(noise.decibels, name).toBeGreaterThan(LEAST_DECIBELS - 6);
      }
    },
  );

  it.each(Object.entries(SMALL_NETWORKS))(
    'run with values of 8 bits, in the bits of the reference: %s',
    async (_, make) => {
      const graph = make();
      const images = pictures(graph, 4);
      const { integers } = await quantized(graph, images, 4, 8);
      const run = new IntegerRun(integers, false);
      const program = decodeProgram(encodeProgram(run.packed.program));
      for (const image of images) {
        expect(run.run(image)).toEqual(runReference(program, run.packed.weights, image));
      }
    },
  );

  it('lose less where values take 8 bits', async () => {
    const gains: number[] = [];
    for (const make of Object.values(SMALL_NETWORKS)) {
      const graph = make();
      const [image = new Uint8Array()] = pictures(graph, 1);
      const [seven, eight] = [await quantized(graph, [image], 4, 7), await quantized(graph, [image], 4, 8)];
      const values = await seven.float.run(image, () => true);
      const runs = [seven, eight].map(({ integers }) => new IntegerRun(integers, true));
      for (const run of runs) run.run(image);
      for (const [name, { storage }] of eight.integers.values) {
        if (storage.kind !== 'u7' || storage.grid.levels !== 255) continue;
        const [before = 0, after = 0] = runs.map((run) => {
          const noise = new SignalToNoise();
          noise.add(values.get(name) ?? new Float32Array(), run.value(name));
          return noise.decibels;
        });
        gains.push(after - before);
      }
    }
    // Half the step is a quarter of the noise, 6 dB; what weights lose stays.
    expect(gains.length).toBeGreaterThan(30);
    expect(gains.reduce((sum, gain) => sum + gain, 0) / gains.length).toBeGreaterThan(3);
  });

  it('keep large dense layers in 4 bits, or in 8 when told to', async () => {
    const n = new Network([16, 16, 1], 21);
    const map = n.convAct('pixels', 1, 16, { kernel: 3, pad: 1 });
    const hidden = n.act(n.dense(n.add({ op: 'flatten' } as Node, map), 4096, 1000));
    const graph = n.end(n.dense(hidden, 1000, 10));
    const images = pictures(graph, 4);
    const sizes: number[] = [];
    for (const [bits, least] of [
      [4, 14],
      [8, 24],
    ] as const) {
      const { float, integers } = await quantized(graph, images, bits);
      expect(integers.layers.map(({ operation }) => operation.op)).toContain(bits === 4 ? 'dense-int4' : 'conv');
      const run = new IntegerRun(integers, false);
      sizes.push(run.packed.program.weightsBytes);
      const noise = new SignalToNoise();
      for (const image of images) noise.add(await float.output(image), run.run(image));
      expect(noise.decibels).toBeGreaterThan(least);
      const [image = new Uint8Array()] = images;
      expect(run.run(image)).toEqual(runReference(run.packed.program, run.packed.weights, image));
    }
    // 4 bits and a float16 a group of 32: 4.5 bits of 8.
    expect((sizes[0] ?? 0) / (sizes[1] ?? 1)).toBeCloseTo(4.5 / 8, 1);
  });

  it('write parts of a concatenation in place where they lie on multiples of 8, and copy the others', async () => {
    const graph = SMALL_NETWORKS['concatenation, in place and by copy']?.() as Graph;
    const { integers } = await quantized(graph, pictures(graph, 1));
    const { ops } = new IntegerRun(integers, false).packed.program;
    const copies = ops
      .filter(({ kind }) => kind === 'copy')
      .map(({ layer, outputChannels }) => [layer, outputChannels]);
    const odd = graph.nodes.filter(({ op }) => op === 'concat').map(({ name }) => name)[1];
    expect(copies).toEqual([
      [odd, 5],
      [odd, 7],
      [odd, 9],
    ]);
  });

  it('correct the mean of what rounding adds', async () => {
    const graph = SMALL_NETWORKS['depthwise, ReLU6, linear bottleneck']?.() as Graph;
    const images = pictures(graph, 16);
    const { float, integers, observations } = await quantized(graph, images);
    const offsets = async (method: 'none' | 'analytic' | 'empirical') => {
      const run = new IntegerRun(correctBias(integers, observations, images, method), false);
      const sums = new Float64Array(run.engine.output.length);
      for (const image of images) {
        const exact = await float.output(image);
        for (const [c, value] of run.run(image).entries()) sums[c] = (sums[c] ?? 0) + value - (exact[c] ?? 0);
      }
      return Math.hypot(...sums) / images.length;
    };
    const none = await offsets('none');
    expect(await offsets('empirical')).toBeLessThan(none / 10);
  });
});

describe('the reference', () => {
  it('can be asked for every op', async () => {
    const graph = SMALL_NETWORKS['shortcut by slice and pad']?.() as Graph;
    const [image = new Uint8Array()] = pictures(graph, 1);
    const { integers } = await quantized(graph, [image]);
    const { engine, packed } = new IntegerRun(integers, true);
    engine.input.set(image);
    const seen: string[] = [];
    runReference(packed.program, packed.weights, image, (op, output) => {
      engine.runOp(packed.program.ops.indexOf(op));
      expect(outputOf(op, engine.arena), op.layer).toEqual(output);
      seen.push(op.kind);
    });
    expect(seen).toEqual(['conv-first', 'copy', 'conv', 'global-average', 'conv']);
  });
});
