import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { stageModels } from './assets.ts';
import { buildDocs } from './docs.ts';
import { compileKernels } from './kernels.ts';
import { buildPage } from './page.ts';
import { shrinkDecoders } from './squash.ts';
import { buildThread } from './thread.ts';

/**
 * `npm run build`: kernels, page, documentation and models, ready for `wrangler`. Run by start, test and deploy. With
 * `--node`, what the Node server takes, which reads models where they are: in a folder of its own, since `wrangler dev`
 * begins anew when its assets are touched.
 */
const root = path.join(import.meta.dirname, '../..');
const forNode = process.argv.includes('--node');
const assets = path.join(root, forNode ? 'build/node-assets' : 'build/assets');

await mkdir(assets, { recursive: true });
await compileKernels();
await shrinkDecoders();
await buildThread();
await buildPage(assets);
await buildDocs(assets);
if (!forNode) {
  const ids = await stageModels(path.join(root, 'models'), assets);
  console.log(ids.length > 0 ? `models: ${ids.join(', ')}` : 'models: none yet (npm run train makes one)');
}
