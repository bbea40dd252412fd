import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDirectly } from '../bench/direct-worker.ts';
import { type Subject, startProtected } from '../bench/load-subjects.ts';
import type { Service } from './service.ts';

const root = path.join(import.meta.dirname, '../..');

/** What `npm run smoke -- …` runs. */
function smoke(...args: string[]): Promise<{ code: number; printed: string }> {
  const command = [path.join(root, 'node_modules/tsx/dist/cli.mjs'), 'functions/deploy/smoke.ts', ...args];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, command, { cwd: root }, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, printed: stdout + stderr }),
    );
  });
}

const linesOf = (printed: string) => printed.split('\n').filter((line) => /^(ok|FAILED) /.test(line));

describe('npm run smoke', () => {
  let open: Service;
  let closed: Subject & { key: string };
  beforeAll(async () => {
    open = await startDirectly();
    closed = await startProtected('fashion-mlp', [Buffer.alloc(1)]);
  });
  afterAll(() => Promise.all([open?.stop(), closed?.stop()]));

  it('finds all well where all is, and asks every model', async () => {
    const { code, printed } = await smoke(open.base);
    expect(printed).toContain('All is well.');
    expect(code).toBe(0);
    expect(printed).toMatch(/ok +classify fashion-mlp +\d+ ms {2}Ankle boot [01]\.\d\d/);
    for (const name of [
      'docs',
      'openapi',
      'x-cache',
      'TensorFlow Serving',
      'Open Inference Protocol',
      'Hugging Face',
    ]) {
      expect(printed).toMatch(new RegExp(`^ok +${name} `, 'm'));
    }
    const { models } = (await (await fetch(`${open.base}/models`)).json()) as { models: { id: string }[] };
    for (const { id } of models) expect(printed).toContain(`classify ${id} `);
    expect(linesOf(printed).length).toBeGreaterThan(14);
  });

  it('sees that keys are demanded, and passes with one', async () => {
    const { code, printed } = await smoke(closed.base, '--key', closed.key);
    expect(printed).toContain('strangers and a made-up key are refused');
    expect(printed).toContain('All is well.');
    expect(code).toBe(0);
  });

  it('fails where keys are demanded and none is given, and where one is given and none demanded', async () => {
    const without = await smoke(closed.base);
    expect([without.code, without.printed]).toEqual([1, expect.stringMatching(/FAILED +keys .*--key/)]);
    const needless = await smoke(open.base, '--key', closed.key);
    expect([needless.code, needless.printed]).toEqual([1, expect.stringMatching(/FAILED +keys .*ACCESS is not on/)]);
  });
});

describe('what is no deployment of this service', () => {
  it('fails by name', async () => {
    const server = createServer((_request, response) => response.end('{"live":true}'));
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const { code, printed } = await smoke(`http://localhost:${port}`);
    server.close();
    expect(code).toBe(1);
    for (const name of ['ready', 'docs', 'security headers', 'models']) {
      expect(printed).toMatch(new RegExp(`^FAILED +${name} `, 'm'));
    }
  });

  it('is told plainly where nothing listens, or the address is none', async () => {
    const nothing = await smoke('http://localhost:9');
    expect([nothing.code, nothing.printed]).toEqual([
      1,
      expect.stringMatching(/^Nothing answers at http:\/\/localhost:9: \S/),
    ]);
    for (const args of [[], ['localhost'], ['ftp://x'], ['http://a', 'http://b']]) {
      const { code, printed } = await smoke(...args);
      expect([code, printed]).toEqual([2, expect.stringContaining('npm run smoke -- URL')]);
    }
  });
});
