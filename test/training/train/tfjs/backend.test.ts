import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { describe as describeAdapter } from '../../../../training/train/tfjs/webgpu.ts';

const linux = process.platform === 'linux';
const why = linux ? '' : ' (skipped: only Linux lets a driver be chosen)';
/** Debian's chromium-common brings a Vulkan driver that runs on the CPU, and the loader for it. */
const chromium = '/usr/lib/chromium';
const swiftShader = path.join(chromium, 'vk_swiftshader_icd.json');
const software = { VK_DRIVER_FILES: swiftShader, LD_LIBRARY_PATH: chromium };
const noDriver = { VK_DRIVER_FILES: path.join(chromium, 'no-such-driver.json') };

interface Steps {
  readonly backend: string;
  readonly title: string;
  readonly losses: number[];
  readonly scores: number[];
}

/** Each backend in a process of its own: a process has one WebGPU, and TF.js one backend at a time. */
async function fewSteps(backend: string, env: NodeJS.ProcessEnv = {}): Promise<Steps> {
  const script = path.join(import.meta.dirname, 'few-steps.ts');
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, backend], {
    env: { ...process.env, ...env },
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Steps;
}

function expectClose(actual: Steps, expected: Steps): void {
  expect(expected.losses).toHaveLength(8);
  for (const [at, loss] of expected.losses.entries()) expect(actual.losses[at]).toBeCloseTo(loss, 3);
  expect(actual.scores).toHaveLength(expected.scores.length);
  for (const [at, score] of expected.scores.entries()) expect(actual.scores[at]).toBeCloseTo(score, 2);
}

describe('engines take the same steps as plain JavaScript does', () => {
  const plain = fewSteps('cpu');

  it('and it learns', async () => {
    const { backend, losses } = await plain;
    expect(backend).toBe('cpu');
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) - 0.1);
  });

  it.each(['wasm', 'onnx'])('%s', async (backend) => {
    const steps = await fewSteps(backend);
    expect(steps.backend).toBe(backend);
    expectClose(steps, await plain);
  });

  describe.skipIf(!existsSync(swiftShader))(
    `on SwiftShader${existsSync(swiftShader) ? '' : ' (skipped: not installed)'}`,
    () => {
      it('webgpu', async () => {
        const steps = await fewSteps('webgpu', software);
        expect(steps).toMatchObject({ backend: 'webgpu', title: expect.stringMatching(/SwiftShader.*software/) });
        expectClose(steps, await plain);
      });

      it('auto leaves the software adapter alone', async () => {
        expect((await fewSteps('auto', software)).backend).toBe('onnx');
      });
    },
  );

  it.skipIf(!linux)(`auto falls back to the CPU where there is no driver for a GPU${why}`, async () => {
    expect((await fewSteps('auto', noDriver)).backend).toBe('onnx');
  });

  it.skipIf(!linux)(`--backend webgpu says that there is no adapter${why}`, async () => {
    await expect(fewSteps('webgpu', noDriver)).rejects.toMatchObject({
      stderr: expect.stringMatching(/There is no WebGPU adapter on this machine.*--backend onnx/),
    });
  });

  it('--backend node-gpu says what to install', async () => {
    await expect(fewSteps('node-gpu')).rejects.toMatchObject({
      stderr: expect.stringMatching(/npm install @tensorflow\/tfjs-node-gpu/),
    });
  });
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
