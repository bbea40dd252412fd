import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';

const root = path.join(import.meta.dirname, '../..');
/** The platform's limit on the free plan, and this project's own. */
const BUDGET_BYTES = 3_000_000;

it('deploys (dry run), and the Worker is at most 3 MB compressed', async () => {
  const out = await mkdtemp(path.join(tmpdir(), 'bundle-'));
  try {
    const wrangler = path.join(root, 'node_modules/wrangler/bin/wrangler.js');
    const { stdout } = await promisify(execFile)(process.execPath, [wrangler, 'deploy', '--dry-run', '--outdir', out], {
      cwd: root,
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false' },
    });
    expect(stdout).toContain('--dry-run: exiting now');
    const files = readdirSync(out).filter((file) => /\.(js|wasm)$/.test(file));
    expect(files.filter((file) => file.endsWith('.wasm')).length).toBeGreaterThan(0);
    const compressed = files.reduce((sum, file) => sum + gzipSync(readFileSync(path.join(out, file))).length, 0);
    console.log(`Worker: ${files.length} files, ${(compressed / 1e6).toFixed(2)} MB compressed`);
    expect(compressed).toBeLessThanOrEqual(BUDGET_BYTES);
  } finally {
    await rm(out, { recursive: true });
  }
});
