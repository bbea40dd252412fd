import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { create, globals } from 'webgpu';
import { TrainingError } from '../errors.ts';

/** WebGPU in Node: the npm package `webgpu` is Dawn, Chromium's implementation, on Vulkan, Metal or Direct3D 12. */
export interface Adapter {
  readonly title: string;
  /** A CPU that plays GPU (SwiftShader, lavapipe, WARP). */
  readonly software: boolean;
}

const PROBE_MS = 20_000;
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|warp/i;

/** Asks in a process of its own: a driver may print to the terminal, hang or crash while it is looked for. */
const PROBE = `
  const { create } = await import(process.argv[1]);
  const adapter = await create([]).requestAdapter({ powerPreference: 'high-performance' });
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter?.info ?? {};
  console.log(JSON.stringify(adapter && { vendor, architecture, device, description, isFallbackAdapter }));
  process.exit(0);
`;

interface AdapterInfo {
  readonly vendor?: string;
  readonly architecture?: string;
  readonly device?: string;
  readonly description?: string;
  readonly isFallbackAdapter?: boolean;
}

/** @returns the adapter that TF.js would get, or null where there is none */
export async function findAdapter(): Promise<Adapter | null> {
  const arguments_ = ['--input-type=module', '--eval', PROBE, import.meta.resolve('webgpu')];
  const probe = promisify(execFile)(process.execPath, arguments_, { timeout: PROBE_MS });
  const answer = await probe.catch(() => ({ stdout: 'null' }));
  return describe(JSON.parse(answer.stdout.trim() || 'null') as AdapterInfo | null);
}

export function describe(info: AdapterInfo | null): Adapter | null {
  if (!info) return null;
  const words = [info.vendor, info.architecture, info.device, info.description].filter(Boolean);
  return {
    title: info.description || words.join(' ') || 'an unnamed adapter',
    software: info.isFallbackAdapter === true || SOFTWARE.test(words.join(' ')),
  };
}

/** @throws TrainingError where TF.js cannot use the adapter */
export async function startWebgpu(): Promise<void> {
  Object.assign(globalThis, globals);
  const gpu = create([]);
  // Node 21 and later have a navigator, without `gpu`.
  const target = globalThis.navigator ?? {};
  Object.defineProperty(target, 'gpu', { value: gpu, configurable: true });
  Object.defineProperty(globalThis, 'navigator', { value: target, configurable: true });
  await import('@tensorflow/tfjs-backend-webgpu');
  if (!(await tf.setBackend('webgpu'))) {
    throw new TrainingError('TF.js cannot start its WebGPU backend on this adapter. Train with --backend onnx.');
  }
}
