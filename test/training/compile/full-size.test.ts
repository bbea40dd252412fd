import { describe, expect, it } from 'vitest';
import type { NetworkBuilder } from '../../../training/architectures/builder.ts';
import { network } from '../../../training/architectures/network.ts';
import { NETWORKS } from '../../../training/architectures/table.ts';
import { type Comparison, compareRandom } from '../../bench/random-network.ts';

/** Networks with random weights on the engine, against the same float networks on onnxruntime. */

/** VGG16's layers with an eighth of its filters; the first two dense layers are large enough for 4 bits. */
const slimVgg16 = network(
  {
    name: 'slim-vgg16',
    title: 'VGG16 with an eighth of its filters',
    paper: 'Simonyan and Zisserman 2015, configuration D',
    input: { name: 'input', shape: [224, 224, 3], deviation: 64 },
  },
  (net: NetworkBuilder, input) => {
    let value = input;
    for (const [block, [filters, depth]] of [[8, 2] as const, [16, 2], [32, 3], [64, 3], [64, 3]].entries()) {
      for (let index = 1; index <= (depth ?? 0); index++)
        value = net.conv(`block${block + 1}_conv${index}`, value, filters ?? 0, 3, { pad: 1, activation: 'relu' });
      value = net.maxPool(`block${block + 1}_pool`, value, 2, 2);
    }
    const first = net.dense('fc1', net.flatten('flatten', value), 2048, 'relu');
    net.dense('predictions', net.dense('fc2', first, 2048, 'relu'), 1000, 'softmax');
  },
);

/** Issue 6: rounding random weights to the nearest of 4 bits cannot give more. */
const LEAST_COSINE = { 4: 0.98, 8: 0.995 } as const;
const long = process.env.LONG_TESTS === '1';

describe('random weights', () => {
  it('of a slim VGG16 give the logits of onnxruntime', async () => {
    const [four, eight] = await compareRandom(slimVgg16, { seed: 1, pictures: 2, denseBits: [4, 8] });
    expect(four && lowest(four)).toBeGreaterThan(LEAST_COSINE[4]);
    expect(eight && lowest(eight)).toBeGreaterThan(LEAST_COSINE[8]);
    // fc1 and fc2 in 4.5 bits a weight, counted with the scales of groups, against 8.
    const large = 3136 * 2048 + 2048 * 2048;
    expect((eight?.weights ?? 0) - (four?.weights ?? 0)).toBe((large * 3.5) / 8);
  }, 300_000);

  it.skipIf(!long)(
    `of VGG16 at full size give the logits of onnxruntime, in 90 MB${long ? '' : ' (skipped: needs LONG_TESTS=1)'}`,
    async () => {
      const vgg16 = NETWORKS.get('vgg16');
      if (!vgg16) throw new Error('there is no vgg16');
      const [four, eight] = await compareRandom(vgg16, { seed: 1, pictures: 2, denseBits: [4, 8] });
      expect(four && lowest(four)).toBeGreaterThan(LEAST_COSINE[4]);
      expect(eight && lowest(eight)).toBeGreaterThan(LEAST_COSINE[8]);
      expect(four?.total).toBeLessThanOrEqual(90_000_000);
    },
    1_800_000,
  );
});

const lowest = ({ cosines }: Comparison): number => Math.min(...cosines);
