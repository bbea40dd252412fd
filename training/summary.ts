/**
 * npm run summary -- NAME | FILE | --list
 *
 * Prints a network layer by layer as Keras' model.summary() does: one of architectures/table.ts, or one in a file
 * (.onnx, .h5, .hdf5, model.json).
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { multiplyAdds, type Network, summaryRows } from './architectures/network.ts';
import { NETWORKS } from './architectures/table.ts';
import { GraphError } from './graph/graph.ts';
import { layerSummary, summary } from './graph/summary.ts';
import { openModel } from './import/open.ts';
import { runCommand } from './terminal/command.ts';
import { table } from './terminal/table.ts';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { list: { type: 'boolean' } } });
  const [name] = positionals;
  if (values.list) return console.log(list([...NETWORKS.values()]));
  if (!name || positionals.length > 1)
    throw new GraphError('Say which network: npm run summary -- NAME. npm run summary -- --list shows the names.');
  const network = NETWORKS.get(name);
  if (network) {
    const cost = `Multiply-adds: ${multiplyAdds(network).toLocaleString('en-US')}`;
    return console.log([layerSummary(summaryRows(network), network.name), cost, network.paper].join('\n'));
  }
  if (path.extname(name) === '')
    throw new GraphError(`No network is named "${name}". There are ${[...NETWORKS.keys()].join(', ')}, and files.`);
  console.log(summary(await openModel(name, { notice: (text) => console.error(text) }), path.basename(name)));
}

function list(networks: readonly Network[]): string {
  const rows = networks.map((network) => {
    const rows = summaryRows(network);
    const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0).toLocaleString('en-US');
    const fixed = sum(rows.map((row) => row.fixed));
    const trainable = sum(rows.map((row) => row.trainable));
    const millions = (multiplyAdds(network) / 1e6).toFixed(1);
    return [network.name, network.input.shape.join('x'), trainable, fixed, millions, network.paper];
  });
  return table(['name', 'input', 'trainable', 'non-trainable', 'M multiply-adds', 'paper'], rows);
}

await runCommand(main, [GraphError]);
