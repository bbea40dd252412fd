import type { NamedArrays } from './gradient-engine.ts';

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** Running means of each parameter's gradient and of its square, as they are kept over the steps. */
export interface Moments {
  readonly first: NamedArrays;
  readonly second: NamedArrays;
}

/**
 * One step of AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2), in place. Only kernels decay: biases,
 * gammas and betas have no scale that decay could keep small.
 * @param step from 0. @param decay a kernel loses rate · decay of itself
 */
export function adamWStep(
  parameters: NamedArrays,
  gradients: NamedArrays,
  moments: Moments,
  { step, rate, decay }: { readonly step: number; readonly rate: number; readonly decay: number },
): void {
  const [bias1, bias2] = [1 - BETA1 ** (step + 1), 1 - BETA2 ** (step + 1)];
  for (const [name, gradient] of gradients) {
    const [values, first, second] = [parameters.get(name), moments.first.get(name), moments.second.get(name)];
    if (!values || !first || !second) throw new Error(`The network has no parameter ${name}`);
    const keep = name.endsWith('/kernel') ? 1 - rate * decay : 1;
    for (let i = 0; i < values.length; i++) {
      const g = gradient[i] ?? 0;
      const m = BETA1 * (first[i] ?? 0) + (1 - BETA1) * g;
      const v = BETA2 * (second[i] ?? 0) + (1 - BETA2) * g * g;
      first[i] = m;
      second[i] = v;
      values[i] = keep * (values[i] ?? 0) - (rate * (m / bias1)) / (Math.sqrt(v / bias2) + EPSILON);
    }
  }
}
