/** `tsx few-steps.ts BACKEND`: trains for three short epochs and prints the backend and the losses as JSON. */
import { fashionMlp } from '../../../training/architectures/fashion-mlp.ts';
import type { LabelledImages } from '../../../training/data/labelled-images.ts';
import { type BackendName, startBackend } from '../../../training/train/backend.ts';
import { fitModel } from '../../../training/train/fit.ts';
import { randomNumbers } from '../../../training/train/random.ts';

const count = 256;
const random = randomNumbers(11);
const data: LabelledImages = {
  images: Uint8Array.from({ length: count * 784 }, () => random() * 256),
  shape: [28, 28, 1],
  labels: Uint8Array.from({ length: count }, (_, at) => at % 10),
  classNames: Array.from({ length: 10 }, (_, at) => `class ${at}`),
  count,
};

try {
  const backend = await startBackend(process.argv[2] as BackendName | 'auto');
  const losses: number[] = [];
  const onProgress = ({ loss }: { loss: number }) => losses.push(loss);
  const options = { epochs: 3, batchSize: 32, learningRate: 0.001, seed: 1, scale: 1 / 255 };
  await fitModel(fashionMlp(1), data, { ...options, onProgress });
  console.log(JSON.stringify({ backend, losses }));
  process.exit(0);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
