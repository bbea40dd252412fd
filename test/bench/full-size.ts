/**
 * npx tsx test/bench/full-size.ts NAME… [--dense-bits 4|8]
 *
 * Published networks (`npm run summary -- --list`) at full size with random weights: compiled, run on the engine, and
 * their logits compared with those of onnxruntime on the same weights. VGG16 takes a minute or two and 3 GB.
 */
import { parseArgs } from 'node:util';
import { NETWORKS } from '../../training/architectures/table.ts';
import { oneOf } from '../../training/compile/options.ts';
import { DataError } from '../../training/data/errors.ts';
import { runCommand } from '../../training/terminal/command.ts';
import { table } from '../../training/terminal/table.ts';
import { compareRandom } from './random-network.ts';

const HEAD = ['name', 'dense bits', 'MB of weights', 'arena', 'total', 'least cosine', 'ms', 'CPU seconds'];
const PICTURES = 2;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { 'dense-bits': { type: 'string' } } });
  const chosen = values['dense-bits'];
  const only = chosen && oneOf('dense-bits', chosen, ['4', '8']);
  const denseBits = ([4, 8] as const).filter((bits) => !only || Number(only) === bits);
  if (positionals.length === 0) throw new DataError('Say which networks: npm run summary -- --list has their names.');
  for (const name of positionals) {
    const network = NETWORKS.get(name);
    if (!network) throw new DataError(`No network is named "${name}".`);
    const before = process.cpuUsage();
    const seconds = () => {
      const { user, system } = process.cpuUsage(before);
      return ((user + system) / 1e6).toFixed(0);
    };
    const progress = (what: string) => console.error(`${name}, ${seconds()} s: ${what}`);
    const results = await compareRandom(network, { seed: 1, pictures: PICTURES, denseBits, progress });
    const rows = results.map(({ denseBits: bits, weights, arena, total, cosines, milliseconds }) => {
      const sizes = [weights, arena, total].map((bytes) => (bytes / 1e6).toFixed(2));
      return [name, bits, ...sizes, Math.min(...cosines).toFixed(4), milliseconds.toFixed(0), seconds()];
    });
    console.log(table(HEAD, rows));
  }
}

await runCommand(main, [DataError]);
