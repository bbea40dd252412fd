import { Agreement, type AgreementFigures } from './agreement.ts';

/** What computes a network's output: `[classes]`, logits or scores. */
interface FloatOutput {
  output(image: Uint8Array): Promise<Float32Array>;
}
interface IntegerOutput {
  run(image: Uint8Array): Float32Array;
}

/**
 * How near integer networks are to the float one, all on the same images.
 * @param scores makes scores of an output. @param progress told after each image, with the figures so far
 * @returns in the order of `networks`
 */
export async function compareWithFloat<const T extends readonly IntegerOutput[]>(
  float: FloatOutput,
  networks: T,
  images: readonly Uint8Array[],
  scores: (output: Float32Array) => Float32Array,
  progress: (done: number, figures: readonly AgreementFigures[]) => void,
): Promise<{ readonly [K in keyof T]: AgreementFigures }> {
  const all = networks.map((network) => ({ network, agreement: new Agreement(scores) }));
  const figures = () => all.map(({ agreement }) => agreement.figures);
  for (const [index, image] of images.entries()) {
    const expected = await float.output(image);
    for (const { network, agreement } of all) agreement.add(expected, network.run(image));
    progress(index + 1, figures());
  }
  return figures() as { readonly [K in keyof T]: AgreementFigures };
}
