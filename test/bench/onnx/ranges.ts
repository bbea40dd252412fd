import type { Graph } from '../../../training/graph/graph.ts';
import { prepareInterpreter } from '../../../training/graph/interpret.ts';

export interface Range {
  readonly low: number;
  readonly high: number;
}
export type Ranges = ReadonlyMap<string, Range>;

/** Least and largest of every value over some inputs, 0 included. @param inputs float32 `[height, width, channels]` */
export async function rangesOf(graph: Graph, inputs: readonly Float32Array[]): Promise<Ranges> {
  const interpreter = await prepareInterpreter(graph);
  const ranges = new Map<string, Range>();
  for (const input of inputs) {
    for (const [name, values] of await interpreter.run(input)) {
      let { low, high } = ranges.get(name) ?? { low: 0, high: 0 };
      for (const value of values) {
        if (value < low) low = value;
        else if (value > high) high = value;
      }
      ranges.set(name, { low, high });
    }
  }
  interpreter.dispose();
  return ranges;
}
