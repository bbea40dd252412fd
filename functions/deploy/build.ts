import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { stageModels } from './assets.ts';
import { buildDocs } from './docs.ts';
import { compileKernels } from './kernels.ts';
import { buildPage } from './page.ts';
import { shrinkDecoders } from './squash.ts';
import { buildThread } from './thread.ts';

/** `npm run build`: kernels, page, documentation and models, ready for `wrangler`. Run by start, test and deploy. */
const root = path.join(import.meta.dirname, '../..');
const assets = path.join(root, 'build/assets');

await mkdir(assets, { recursive: true });
await compileKernels();
await shrinkDecoders();
await buildThread();
await buildPage(assets);
await buildDocs(assets);
const ids = await stageModels(path.join(root, 'models'), assets);
console.log(ids.length > 0 ? `models: ${ids.join(', ')}` : 'models: none yet (npm run train makes one)');
