import { cloudflareTest } from '@cloudflare/vitest-pool-workers';
import { defineConfig } from 'vitest/config';

/** Tests under test/functions run inside workerd; all others in Node. */
const node = (name: string, include: string[], timeoutMs: number) => ({
  test: { name, include, testTimeout: timeoutMs, hookTimeout: 120_000 },
});

export default defineConfig({
  test: {
    reporters: ['default', './test/count-reporter.ts'],
    projects: [
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            // The second Worker is tested over HTTP (test/e2e); here its binding only has to lead somewhere.
            miniflare: {
              workers: [
                {
                  name: 'edge-classifier-isolated',
                  modules: true,
                  script: 'export default { fetch: () => new Response(null, { status: 501 }) }',
                },
              ],
            },
          }),
        ],
        test: { name: 'workerd', include: ['test/functions/**/*.test.ts'], testTimeout: 60_000 },
      },
      node('architecture', ['test/architecture.test.ts'], 10_000),
      node('training', ['test/training/**/*.test.ts'], 300_000),
      node('budgets', ['test/budgets/**/*.test.ts'], 300_000),
      node('e2e', ['test/e2e/**/*.test.ts', 'test/clients/**/*.test.ts', 'test/page/**/*.test.ts'], 300_000),
    ],
  },
});
