/** `npx tsx test/bench/write-shapes.ts`: writes `shapes/<network>.txt` from the networks of the bench. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { NETWORKS } from './networks.ts';
import { floatGraphOf } from './prepare.ts';
import { formatShape, shapesIn } from './shapes.ts';

const HEAD = '# count kind input -> output kernel strides pads (top, left, bottom, right) groups; by write-shapes.ts';

for (const network of ['resnet50', 'vgg16', 'googlenet', 'mobilenet-v2']) {
  const made = NETWORKS[network];
  if (!made) throw new Error(`no network is named "${network}"`);
  const lines = [HEAD, ...shapesIn(await floatGraphOf(made())).map(formatShape)];
  writeFileSync(path.join(import.meta.dirname, 'shapes', `${network}.txt`), `${lines.join('\n')}\n`);
}
process.exit(0);
