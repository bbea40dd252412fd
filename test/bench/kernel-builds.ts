import { fileModules } from '../../functions/file-modules.ts';
import { chooseKernels } from '../../functions/runtime/int8/kernels.ts';
import { BenchError } from './networks.ts';

const BUILDS = ['baseline', 'relaxed', 'fused'] as const;

/**
 * A build of the kernels, or where none is named the one that the engine takes on this machine.
 * @throws BenchError where there is no such build
 */
export function kernelsOf(build: string): WebAssembly.Module {
  if (build === '') return chooseKernels(fileModules.int8);
  const named = BUILDS.find((name) => name === build);
  const kernels = named && fileModules.int8[named];
  if (!kernels) throw new BenchError(`--build takes one of ${BUILDS.join(', ')}; it is "${build}"`);
  return kernels;
}
