/**
 * npm run summary -- NAME | FILE [--dense-bits 4|8]
 * npm run summary -- --list | --memory [--dense-bits 4|8]
 *
 * Prints a network layer by layer as Keras' model.summary() does: one of architectures/table.ts, or one in a file
 * (.onnx, .h5, .hdf5, model.json). --memory says of all in the table what they take as integer programs, and where that
 * fits.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { OWN_ISOLATE_BYTES, SHARED_MODEL_BYTES } from '../functions/catalogue/isolate-bytes.ts';
import { multiplyAdds, type Network, summaryRows, unfilled } from './architectures/network.ts';
import { NETWORKS } from './architectures/table.ts';
import { footprint } from './compile/footprint.ts';
import { oneOf } from './compile/options.ts';
import { DataError } from './data/errors.ts';
import { type Graph, GraphError } from './graph/graph.ts';
import { layerSummary, summary } from './graph/summary.ts';
import { openModel } from './import/open.ts';
import { runCommand } from './terminal/command.ts';
import { table } from './terminal/table.ts';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { list: { type: 'boolean' }, memory: { type: 'boolean' }, 'dense-bits': { type: 'string' } },
  });
  const denseBits = oneOf('dense-bits', values['dense-bits'] ?? '4', ['4', '8']) === '4' ? 4 : 8;
  const [name] = positionals;
  if (values.list) return console.log(list([...NETWORKS.values()]));
  if (values.memory) return console.log(memory([...NETWORKS.values()], denseBits));
  if (!name || positionals.length > 1)
    throw new GraphError('Say which network: npm run summary -- NAME. npm run summary -- --list shows the names.');
  const network = NETWORKS.get(name);
  if (network) {
    const cost = `Multiply-adds: ${multiplyAdds(network).toLocaleString('en-US')}`;
    const planned = plannedMemory(unfilled(network), denseBits);
    return console.log([layerSummary(summaryRows(network), network.name), cost, planned, network.paper].join('\n'));
  }
  if (path.extname(name) === '')
    throw new GraphError(`No network is named "${name}". There are ${[...NETWORKS.keys()].join(', ')}, and files.`);
  const graph = await openModel(name, { notice: (text) => console.error(text) });
  console.log([summary(graph, path.basename(name)), plannedMemory(graph, denseBits)].join('\n'));
}

/** What cannot be compiled is summarised all the same. */
function plannedMemory(graph: Graph, denseBits: 4 | 8): string {
  try {
    const { weights, arena, total } = footprint(graph, { denseBits });
    return `Planned memory: ${megabytes(total)} MB (weights ${megabytes(weights)}, arena ${megabytes(arena)}): ${fitting(total)}`;
  } catch (error) {
    if (error instanceof GraphError) return `It cannot be compiled: ${error.message}`;
    throw error;
  }
}

function memory(networks: readonly Network[], denseBits: 4 | 8): string {
  const rows = networks.map((network) => {
    const { weights, arena, total } = footprint(unfilled(network), { denseBits });
    return [network.name, megabytes(weights), megabytes(arena), megabytes(total), fitting(total)];
  });
  return table(['name', 'MB of weights', 'arena', 'planned', 'fits'], rows);
}

function fitting(total: number): string {
  if (total <= SHARED_MODEL_BYTES) return 'an isolate, beside pictures';
  return total <= OWN_ISOLATE_BYTES ? 'an isolate of its own' : 'no isolate';
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(2);

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

await runCommand(main, [DataError, GraphError]);
