/** `tsx few-steps.ts BACKEND`: takes a few steps with a small network and prints the engine and the losses as JSON. */
import { network } from '../../../../training/architectures/network.ts';
import { moveStatistics } from '../../../../training/train/averaging.ts';
import { type BackendName, openEngine } from '../../../../training/train/open-engine.ts';
import { randomNumbers } from '../../../../training/train/random.ts';
import { initialState } from '../../../../training/train/state.ts';

/** Every way in which a convolution is differentiated: padded and not, with a stride, of one position. */
const small = network(
  { name: 'few', title: 'few', paper: 'none', input: { name: 'input', shape: [13, 13, 2], deviation: 1 } },
  (net, input) => {
    const norm = (name: string, from: string) =>
      net.activation(`${name}/relu`, net.batchNorm(`${name}/norm`, from, 1e-3), 'relu');
    const first = norm('first', net.conv('first', input, 6, 3, { pad: 1, bias: false }));
    const second = norm('second', net.conv('second', first, 8, 3, { pad: 1, stride: 2, bias: false }));
    const short = net.conv('short', first, 8, 1, { stride: 2 });
    const sum = net.add('sum', [second, short]);
    const gates = net.conv('gates', net.globalAveragePool('squeeze', sum, true), 8, 1, { activation: 'sigmoid' });
    const large = net.conv('large', net.mul('scaled', [sum, gates]), 8, 5, { activation: 'tanh', groups: 2 });
    const pooled = net.maxPool('pool', large, 3, 2, { ceil: true });
    net.auxiliary(0.3, () => {
      net.dense('other', net.globalAveragePool('other/mean', second), 3, 'softmax');
    });
    net.dense('scores', net.dropout('dropout', net.flatten('flatten', pooled), 0.3), 3, 'softmax');
  },
);

const RATE = 0.1;
const STEPS = 8;
const count = 16;
const random = randomNumbers(11);
const pixels = Float32Array.from({ length: count * 13 * 13 * 2 }, random);
const targets = Float32Array.from({ length: count * 3 }, (_, at) => (Math.floor(at / 3) % 3 === at % 3 ? 1 : 0));

try {
  const { engine, backend } = await openEngine(small, process.argv[2] as BackendName | 'auto', 1);
  const state = initialState(small, 1);
  const losses: number[] = [];
  for (let step = 0; step < STEPS; step++) {
    const { loss, gradients, statistics } = await engine.gradients(state.parameters, { count, pixels, targets }, step);
    // Not Adam, whose first steps make as much of a rounding error as of any other gradient.
    for (const [name, values] of state.parameters) {
      const gradient = gradients.get(name);
      if (gradient) for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) - RATE * (gradient[i] ?? 0);
    }
    moveStatistics(state.parameters, statistics);
    losses.push(loss);
  }
  const scores = [...(await engine.scores(state.parameters, pixels, count))];
  console.log(JSON.stringify({ backend, title: engine.title, losses, scores }));
  process.exit(0);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
