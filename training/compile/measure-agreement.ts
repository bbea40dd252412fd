import { Agreement, type AgreementFigures } from '../evaluate/agreement.ts';
import type { QuantizationReport } from '../report/quantization.ts';
import { Progress } from '../terminal/progress.ts';
import type { Quantized } from './attempt.ts';
import { IntegerRun } from './integer-run.ts';

type Scores = (output: Float32Array) => Float32Array;

/**
 * How near the integer network is to the float one, and how near it was before weights were made to fit form w4.
 * @param scores makes scores of an output
 */
export async function measureAgreement(
  { float, spending }: Quantized,
  run: IntegerRun,
  images: { readonly calibration: readonly Uint8Array[]; readonly heldOut: readonly Uint8Array[] },
  scores: Scores,
): Promise<Pick<QuantizationReport, 'calibration' | 'heldOut' | 'fastForm'>> {
  const before = new IntegerRun(spending.original, false);
  const [calibration] = await compared('calibration images', float, [run], images.calibration, scores);
  const [heldOut, heldOutBefore] = await compared('held-out images', float, [run, before], images.heldOut, scores);
  if (!calibration || !heldOut || !heldOutBefore) throw new Error('a network was not measured');
  const { layers, candidates, expectedMs, savedMs } = spending;
  const fastForm = { layers, candidates, expectedMs, expectedMsBefore: expectedMs + savedMs, heldOutBefore };
  return { calibration, heldOut, fastForm };
}

/** In the order of `runs`; all see the same images. */
async function compared(
  what: string,
  float: Quantized['float'],
  runs: readonly IntegerRun[],
  images: readonly Uint8Array[],
  scores: Scores,
): Promise<readonly AgreementFigures[]> {
  const progress = new Progress(what, images.length);
  const all = runs.map((run) => ({ run, agreement: new Agreement(scores) }));
  const agree = () => `${all.map(({ agreement }) => agreement.figures.same).join(' and ')} agree`;
  for (const [index, image] of images.entries()) {
    const expected = await float.output(image);
    for (const { run, agreement } of all) agreement.add(expected, run.run(image));
    progress.update(index + 1, agree());
  }
  progress.done(agree());
  return all.map(({ agreement }) => agreement.figures);
}
