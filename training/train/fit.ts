import type { Recipe } from '../architectures/recipe.ts';
import type { LabelledImages } from '../data/labelled-images.ts';
import { adamWStep } from './adamw.ts';
import { averageWeights, moveStatistics } from './averaging.ts';
import { Batches } from './batches.ts';
import { TrainingError } from './errors.ts';
import type { BatchGradients, GradientEngine } from './gradient-engine.ts';
import { seedOf } from './random.ts';
import { oneCycle } from './schedule.ts';
import { copyOf, type TrainingState } from './state.ts';
import { type Validation, validate } from './validate.ts';

export interface FitPlan {
  readonly recipe: Recipe;
  /** Decides the order of the images, how they are shown, and dropout. */
  readonly seed: number;
  readonly training: LabelledImages;
  /** None of these may be among the training images, and no test image among them. */
  readonly validation: LabelledImages;
}

export interface FitHooks {
  /** After every step. */
  onStep?(progress: EpochProgress): void;
  onEpoch?(figures: EpochFigures): void;
  /** Called now and then, and at the end of every epoch, with a state that training goes on to change. */
  save?(state: TrainingState): Promise<void>;
}

export interface EpochProgress {
  /** From 1. */
  readonly epoch: number;
  /** Images of this epoch so far, and all of them. */
  readonly seen: number;
  readonly of: number;
  /** Means over those, each batch measured before its step, augmented and smoothed as it is. */
  readonly loss: number;
  readonly accuracy: number;
}

export interface EpochFigures extends EpochProgress {
  readonly validation: Validation;
  readonly rate: number;
  /** Whether no epoch before did better. */
  readonly best: boolean;
}

/** Epochs without a better validation after which training stops. */
const PATIENCE = 15;
const SAVE_EVERY_MS = 60_000;
/** Uniform guessing costs log(classes); a loss of many times that doesn't come back. */
const HOPELESS = 20;
const DROPOUT = 3;

/**
 * Trains on from `state`, in place, until the recipe's epochs are over or validation gets no better. The same state,
 * plan and engine give the same weights, also when training was interrupted in between.
 * @returns why it ended
 * @throws TrainingError where the loss diverges
 */
export async function fitNetwork(
  engine: GradientEngine,
  plan: FitPlan,
  state: TrainingState,
  { onStep, onEpoch, save }: FitHooks = {},
): Promise<'finished' | 'no better'> {
  const batches = new Batches(plan.training, plan.recipe, plan.seed);
  const steps = plan.recipe.epochs * batches.perEpoch;
  const of = batches.perEpoch * batches.size;
  let saved = performance.now();
  while (state.step < steps) {
    const done = Math.floor(state.step / batches.perEpoch);
    if (state.best && done - state.best.epoch >= PATIENCE) return 'no better';
    const epoch = done + 1;
    const rate = plan.recipe.learningRate * oneCycle(state.step, steps);
    const batch = batches.at(state.step);
    const result = await engine.gradients(state.parameters, batch, seedOf(plan.seed, DROPOUT, state.step));
    mustConverge(result, epoch, plan);
    takeStep(state, result, rate, plan.recipe.weightDecay);
    const { running } = state;
    running.seen += batch.count;
    running.loss += result.loss * batch.count;
    running.hits += result.hits;
    const { seen } = running;
    const progress = { epoch, seen, of, loss: running.loss / seen, accuracy: running.hits / seen };
    onStep?.(progress);
    if (state.step % batches.perEpoch === 0) {
      const validation = await validate(engine, state.averaged, plan.validation);
      const best = keepBest(state, epoch, validation);
      state.running = { seen: 0, loss: 0, hits: 0 };
      onEpoch?.({ ...progress, validation, rate, best });
    }
    if (state.running.seen > 0 && performance.now() - saved < SAVE_EVERY_MS) continue;
    await save?.(state);
    saved = performance.now();
  }
  return 'finished';
}

function takeStep(state: TrainingState, { gradients, statistics }: BatchGradients, rate: number, decay: number): void {
  const { parameters, averaged, moments, step } = state;
  adamWStep(parameters, gradients, moments, { step, rate, decay });
  moveStatistics(parameters, statistics);
  averageWeights(averaged, parameters, step);
  state.step += 1;
}

/** Of two epochs with as many right answers, the one that is surer of them. */
function keepBest(state: TrainingState, epoch: number, { accuracy, loss }: Validation): boolean {
  const { best } = state;
  const better = !best || accuracy > best.accuracy || (accuracy === best.accuracy && loss < best.loss);
  if (better) state.best = { epoch, accuracy, loss, parameters: copyOf(state.averaged) };
  return better;
}

function mustConverge({ loss }: BatchGradients, epoch: number, { recipe, training }: FitPlan): void {
  if (loss < HOPELESS * Math.log(training.classNames.length)) return;
  throw new TrainingError(
    `The loss is ${loss} in epoch ${epoch}: training diverged, nothing was published. ` +
      `Train with a lower learning rate than ${recipe.learningRate} (training/architectures/table.ts), or another seed.`,
  );
}
