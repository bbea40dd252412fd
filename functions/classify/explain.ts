import type { Manifest } from '../catalogue/manifest.ts';
import { ServiceError } from '../errors.ts';
import type { Frame } from '../image/frame.ts';
import { type Heat, heatMap, hottest } from '../image/heat-map.ts';
import { encodePng } from '../image/png/encode.ts';
import type { Classifier } from '../runtime/classifier.ts';
import type { ExplainMethod, Explanation, Prediction } from './answer.ts';
import { occlusion } from './occlusion.ts';
import { best, probabilities } from './scores.ts';

/**
 * Where the first class of a picture is seen in it.
 * @param pixels uint8 `[height, width, channels]` as the model takes them
 * @throws ServiceError `explanation-unavailable` naming the method that does work
 */
export async function explain(
  method: ExplainMethod,
  classifier: Classifier,
  manifest: Manifest,
  pixels: Uint8Array,
): Promise<Heat> {
  const { kind, temperature } = manifest.output;
  const scoresOf = (output: Float32Array) => probabilities(output, kind, temperature);
  if (method === 'occlusion') {
    return occlusion(async (input) => scoresOf(await classifier.classify(input, 1)), manifest, pixels);
  }
  if (!classifier.classActivation) {
    throw new ServiceError(
      'explanation-unavailable',
      `"${manifest.id}" has no class activation map here: only a network that ends in global average pooling, in this Worker, has one.`,
      'Ask with explain=occlusion, which works for every model and takes longer.',
    );
  }
  const { activation } = await classifier.classActivation(pixels, best);
  const { width, height, values } = activation;
  return { width, height, values: fromLeastToMost(values) };
}

/** 0 where there is least, 1 where there is most, as Zhou et al. draw it. */
function fromLeastToMost(values: Float32Array): Float32Array {
  const [least, most] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  return values.map((value) => (most > least ? (value - least) / (most - least) : 0));
}

/** The heat as a caller gets it: a picture to lay over their own. */
export async function drawn(
  method: ExplainMethod,
  heat: Heat,
  frame: Frame,
  explained: Prediction,
): Promise<Explanation> {
  const { width, height, ...picture } = heatMap(heat, frame);
  const png = base64(await encodePng({ width, height, ...picture }));
  return { method, class: explained, ...frame, hottest: hottest(heat, frame), image: { width, height, png } };
}

function base64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
