/** A thread of `parallel.ts`: opens its engine, says which, then answers questions. */
import { parentPort, workerData } from 'node:worker_threads';
import { TrainingError } from './errors.ts';
import type { GradientEngine } from './gradient-engine.ts';
import { engineOf } from './open-engine.ts';
import type { Answer, Question, WorkerTask } from './parallel.ts';

const say = (answer: Answer) => parentPort?.postMessage(answer);

async function answer(engine: GradientEngine, question: Question): Promise<Answer> {
  if (question.ask === 'gradients') {
    return { gradients: await engine.gradients(question.parameters, question.batch, question.seed) };
  }
  return { scores: await engine.scores(question.parameters, question.pixels, question.count) };
}

function failure(error: unknown): Answer {
  if (error instanceof TrainingError) return { error: error.message, ours: true };
  return { error: error instanceof Error ? (error.stack ?? error.message) : String(error), ours: false };
}

try {
  const { network, backend } = workerData as WorkerTask;
  const engine = await engineOf(network, backend);
  parentPort?.on('message', (question: Question) => {
    answer(engine, question).then(say, (error: unknown) => say(failure(error)));
  });
  say({ title: engine.title });
} catch (error) {
  say(failure(error));
}
