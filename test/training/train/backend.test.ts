import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../../training/train/backend.ts';
import { describe as describeAdapter } from '../../../training/train/webgpu.ts';

const linux = process.platform === 'linux';
const why = linux ? '' : ' (skipped: only Linux lets a driver be chosen)';
/** Debian's chromium-common brings a Vulkan driver that runs on the CPU, and the loader for it. */
const chromium = '/usr/lib/chromium';
const swiftShader = path.join(chromium, 'vk_swiftshader_icd.json');
const software = { VK_DRIVER_FILES: swiftShader, LD_LIBRARY_PATH: chromium };
const noDriver = { VK_DRIVER_FILES: path.join(chromium, 'no-such-driver.json') };

/** Each backend in a process of its own: a process has one WebGPU, and TF.js one backend at a time. */
async function fewSteps(backend: string, env: NodeJS.ProcessEnv = {}) {
  const script = path.join(import.meta.dirname, 'few-steps.ts');
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, backend], {
    env: { ...process.env, ...env },
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { backend: Backend; losses: number[] };
}

describe('backends', () => {
  it('compute the same losses: WASM as plain JavaScript', async () => {
    const [wasm, cpu] = [await fewSteps('wasm'), await fewSteps('cpu')];
    expect([wasm.backend.name, cpu.backend.name]).toEqual(['wasm', 'cpu']);
    expect(cpu.losses).toHaveLength(3);
    for (const [at, loss] of cpu.losses.entries()) expect(wasm.losses[at]).toBeCloseTo(loss, 4);
  });

  it.skipIf(!linux)(`auto falls back to WASM where there is no driver for a GPU${why}`, async () => {
    expect((await fewSteps('auto', noDriver)).backend.name).toBe('wasm');
  });

  it.skipIf(!linux)(`--backend webgpu says that there is no adapter${why}`, async () => {
    await expect(fewSteps('webgpu', noDriver)).rejects.toMatchObject({
      stderr: expect.stringMatching(/There is no WebGPU adapter on this machine.*--backend wasm/),
    });
  });

  describe.skipIf(!existsSync(swiftShader))(
    `on SwiftShader${existsSync(swiftShader) ? '' : ' (skipped: not installed)'}`,
    () => {
      it('WebGPU computes the same losses', async () => {
        const [webgpu, wasm] = [await fewSteps('webgpu', software), await fewSteps('wasm')];
        expect(webgpu.backend).toMatchObject({ name: 'webgpu', title: expect.stringMatching(/SwiftShader.*software/) });
        for (const [at, loss] of wasm.losses.entries()) expect(webgpu.losses[at]).toBeCloseTo(loss, 4);
      });

      it('auto leaves the software adapter alone', async () => {
        expect((await fewSteps('auto', software)).backend.name).toBe('wasm');
      });
    },
  );
});

describe('an adapter', () => {
  it.each([
    [{ vendor: 'nvidia', architecture: 'hopper', description: 'NVIDIA H100 PCIe' }, false],
    [{ vendor: 'apple', architecture: 'metal-3', device: '', description: 'Apple M1 Max' }, false],
    [{ vendor: 'google', architecture: 'swiftshader', description: 'SwiftShader driver 5.0.0' }, true],
    [{ vendor: 'mesa', description: 'llvmpipe (LLVM 15.0.6, 256 bits)' }, true],
    [{ vendor: 'microsoft', device: '0x8c', description: 'Microsoft Basic Render Driver' }, true],
    [{ vendor: '', isFallbackAdapter: true }, true],
  ])('%j is software: %s', (info, expected) => {
    expect(describeAdapter(info)?.software).toBe(expected);
  });
});
