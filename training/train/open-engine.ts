import type { Network } from '../architectures/network.ts';
import { TrainingError } from './errors.ts';
import type { GradientEngine } from './gradient-engine.ts';
import { ParallelEngine } from './parallel.ts';
import { findAdapter } from './tfjs/webgpu.ts';

export const BACKENDS = ['webgpu', 'node-gpu', 'onnx', 'wasm', 'cpu'] as const;
export type BackendName = (typeof BACKENDS)[number];

/** What an engine needs to know of a network; it can be sent to another thread. */
export type EngineNetwork = Pick<Network, 'name' | 'input' | 'layers' | 'auxiliaries'>;

export interface OpenedEngine {
  readonly backend: BackendName;
  readonly engine: GradientEngine;
}

/**
 * What computes the gradients. `auto`: WebGPU where there is a real GPU (a software adapter is slower than a CPU), else
 * onnxruntime, else TF.js' WASM, which is several times slower.
 * @param workers threads that each take their share of a batch, for backends on the CPU
 * @throws TrainingError where the backend asked for cannot be had
 */
export async function openEngine(
  network: EngineNetwork,
  choice: BackendName | 'auto',
  workers: number,
): Promise<OpenedEngine> {
  const backend = choice === 'auto' ? await best() : choice;
  const onGpu = backend === 'webgpu' || backend === 'node-gpu';
  if (workers > 1 && onGpu) {
    throw new TrainingError(
      `--workers ${workers} shares a CPU out; ${backend} takes a batch as a whole. Leave it away.`,
    );
  }
  const engine = workers > 1 ? await ParallelEngine.open(network, backend, workers) : await engineOf(network, backend);
  return { backend, engine };
}

async function best(): Promise<BackendName> {
  const adapter = await findAdapter();
  if (adapter && !adapter.software) return 'webgpu';
  return import('onnxruntime-node').then(
    () => 'onnx',
    () => 'wasm',
  );
}

/** In this thread. */
export async function engineOf(network: EngineNetwork, backend: BackendName): Promise<GradientEngine> {
  if (backend === 'onnx') {
    const { createOnnxEngine } = await import('./onnx/engine.ts');
    return createOnnxEngine(network, { threads: 1 });
  }
  const { startBackend } = await import('./tfjs/backend.ts');
  const { TfjsEngine } = await import('./tfjs/engine.ts');
  return new TfjsEngine(network, await startBackend(backend));
}
