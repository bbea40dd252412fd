import * as tf from '@tensorflow/tfjs-core';
import { keepErrorReports } from '../terminal/error-reports.ts';
import { TrainingError } from './errors.ts';
import { transposeBeforeMatMul } from './wasm-matmul.ts';
import { findAdapter, startWebgpu } from './webgpu.ts';

export const BACKENDS = ['webgpu', 'wasm', 'cpu'] as const;
export type BackendName = (typeof BACKENDS)[number];

export interface Backend {
  readonly name: BackendName;
  /** For people: `WebGPU on NVIDIA …`, `WASM SIMD`. */
  readonly title: string;
}

/**
 * Selects what TF.js computes with. `auto`: WebGPU where there is a real GPU (a software adapter is slower than WASM),
 * else WASM SIMD, else plain JavaScript, which is many times slower.
 * @throws TrainingError where the backend asked for cannot be had
 */
export async function startBackend(choice: BackendName | 'auto'): Promise<Backend> {
  if (choice === 'webgpu' || choice === 'auto') {
    const adapter = await findAdapter();
    if (adapter && (choice === 'webgpu' || !adapter.software)) {
      await startWebgpu();
      return { name: 'webgpu', title: `WebGPU on ${adapter.title}${adapter.software ? ' (software, slow)' : ''}` };
    }
    if (choice === 'webgpu') {
      throw new TrainingError(
        'There is no WebGPU adapter on this machine: it needs a GPU with a Vulkan, Metal or Direct3D 12 driver. ' +
          'Train with --backend wasm.',
      );
    }
  }
  if (choice !== 'cpu') {
    const started = await startWasm().catch((error: Error) => error);
    if (started === true) return { name: 'wasm', title: 'WASM SIMD' };
    if (choice === 'wasm') throw new TrainingError(`TF.js' WASM backend does not start: ${String(started)}`);
  }
  await import('@tensorflow/tfjs-backend-cpu');
  await tf.setBackend('cpu');
  return { name: 'cpu', title: 'plain JavaScript (slow)' };
}

async function startWasm(): Promise<boolean> {
  await import('@tensorflow/tfjs-backend-wasm');
  const started = await keepErrorReports(() => tf.setBackend('wasm'));
  if (started) transposeBeforeMatMul();
  return started;
}
