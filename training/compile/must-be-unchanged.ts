import type { Graph } from '../graph/graph.ts';
import { SignalToNoise } from '../graph/signal-to-noise.ts';
import { FloatNetwork } from './float-network.ts';
import type { Prepared } from './pipeline.ts';

/** What rounding in float32 alone leaves is far above this. */
const LEAST_DECIBELS = 60;

/**
 * Folding changes no more than float32 rounding does.
 * @throws Error where a pass changed what the network says of the image
 */
export async function mustBeUnchanged(
  original: Graph,
  pixels: Prepared['pixels'],
  prepared: Prepared,
  image: Uint8Array,
) {
  const last = original.nodes.find(({ name }) => name === original.output);
  const logits = prepared.softmax ? last?.inputs[0] : undefined;
  const before = await FloatNetwork.of(original, pixels, logits);
  const after = await FloatNetwork.of(prepared.graph, prepared.pixels);
  const noise = new SignalToNoise();
  noise.add(await before.output(image), await after.output(image));
  before.dispose();
  after.dispose();
  if (noise.decibels < LEAST_DECIBELS)
    throw new Error(`the float passes changed the network: ${noise.decibels.toFixed(1)} dB`);
}
