import * as tf from '@tensorflow/tfjs-core';
import { keepErrorReports } from '../../terminal/error-reports.ts';
import { TrainingError } from '../errors.ts';
import { transposeBeforeMatMul } from './wasm-matmul.ts';
import { findAdapter, startWebgpu } from './webgpu.ts';

export type TfjsBackend = 'webgpu' | 'node-gpu' | 'wasm' | 'cpu';

/**
 * Selects what TF.js computes with in this thread.
 * @returns its title for people: `WebGPU on NVIDIA …`, `WASM SIMD`
 * @throws TrainingError where it cannot be had
 */
export async function startBackend(name: TfjsBackend): Promise<string> {
  switch (name) {
    case 'webgpu':
      return webgpu();
    case 'node-gpu':
      return nodeGpu();
    case 'wasm':
      return wasm();
    case 'cpu':
      await import('@tensorflow/tfjs-backend-cpu');
      await tf.setBackend('cpu');
      return 'plain JavaScript (slow)';
    default:
      return name satisfies never;
  }
}

async function webgpu(): Promise<string> {
  const adapter = await findAdapter();
  if (!adapter) {
    throw new TrainingError(
      'There is no WebGPU adapter on this machine: it needs a GPU with a Vulkan, Metal or Direct3D 12 driver. ' +
        'Train with --backend onnx.',
    );
  }
  await startWebgpu();
  return `WebGPU on ${adapter.title}${adapter.software ? ' (software, slow)' : ''}`;
}

async function wasm(): Promise<string> {
  await import('@tensorflow/tfjs-backend-wasm');
  const started = await keepErrorReports(() => tf.setBackend('wasm')).catch((error: Error) => error);
  if (started !== true) throw new TrainingError(`TF.js' WASM backend does not start: ${String(started)}`);
  transposeBeforeMatMul();
  return 'WASM SIMD';
}

/** TF.js on CUDA is no dependency: it needs a download from outside the registry, CUDA 11.2 and an old Node. */
async function nodeGpu(): Promise<string> {
  const name = '@tensorflow/tfjs-node-gpu';
  await import(name).catch((error: Error) => {
    throw new TrainingError(
      `--backend node-gpu needs the package ${name}, which you have to install yourself: npm install ${name} ` +
        `(${error.message.split('\n')[0]}). On most GPUs --backend webgpu does without.`,
    );
  });
  await tf.setBackend('tensorflow');
  return 'TensorFlow on CUDA';
}
