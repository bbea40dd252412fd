import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Graph, Pads, Pair, Shape } from '../../training/graph/graph.ts';
import { shapesOf } from '../../training/graph/shapes.ts';

/** A convolution or dense layer without its numbers, and how often a network has it. */
export interface ConvShape {
  /** `first` reads pixels, `depthwise` has a window for each channel. */
  readonly kind: 'first' | 'conv' | 'depthwise';
  readonly input: Shape;
  readonly output: Shape;
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly pads: Pads;
  readonly groups: number;
  readonly count: number;
}

const folder = path.join(import.meta.dirname, 'shapes');
const PATTERN = /^(\d+) (first|conv|depthwise) (\d+x\d+x\d+) -> (\d+x\d+x\d+) (\d+x\d+) s(\d+x\d+) p([\d,]+) g(\d+)$/;

/** A line: `3 conv 56x56x64 -> 56x56x64 3x3 s1x1 p1,1,1,1 g1`, the count first. */
export function parseShape(line: string): ConvShape {
  const [, count, kind, input, output, kernel, strides, pads, groups] = PATTERN.exec(line) ?? [];
  if (kind !== 'first' && kind !== 'conv' && kind !== 'depthwise') throw new Error(`no shape: ${line}`);
  const three = (text = ''): Shape => {
    const [y = 0, x = 0, c = 0] = text.split('x').map(Number);
    return [y, x, c];
  };
  const two = (text = ''): Pair => {
    const [y = 0, x = 0] = text.split('x').map(Number);
    return [y, x];
  };
  const [top = 0, left = 0, bottom = 0, right = 0] = (pads ?? '').split(',').map(Number);
  return {
    ...{ kind, input: three(input), output: three(output), kernel: two(kernel), strides: two(strides) },
    ...{ pads: [top, left, bottom, right], groups: Number(groups), count: Number(count) },
  };
}

export function formatShape({ kind, input, output, kernel, strides, pads, groups, count }: ConvShape): string {
  const window = `${kernel.join('x')} s${strides.join('x')} p${pads.join(',')} g${groups}`;
  return `${count} ${kind} ${input.join('x')} -> ${output.join('x')} ${window}`;
}

/** The shapes of a network in its order, each once. A dense layer is a 1x1 convolution of one pixel. */
export function shapesIn(graph: Graph): ConvShape[] {
  const values = shapesOf(graph);
  const found = new Map<string, ConvShape>();
  for (const node of graph.nodes) {
    const [from = ''] = node.inputs;
    const [input, output] = [values.get(from), values.get(node.name)];
    if (!input || !output || (node.op !== 'conv' && node.op !== 'dense')) continue;
    const window =
      node.op === 'conv' ? node : ({ kernel: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], groups: 1 } as const);
    const { kernel, strides, pads, groups } = window;
    const wise = groups > 1 && groups === input[2] && groups === output[2];
    const kind = from === graph.input.name ? 'first' : wise ? 'depthwise' : 'conv';
    const shape = { kind, input, output, kernel, strides, pads, groups, count: 1 } as const;
    const line = formatShape(shape);
    found.set(line, { ...shape, count: (found.get(line)?.count ?? 0) + 1 });
  }
  return [...found.values()];
}

/** Names of the networks of which there are shapes. */
export const shapeFiles = (): string[] => readdirSync(folder).map((file) => path.basename(file, '.txt'));

/** The shapes of `shapes/<network>.txt`; a line that begins with `#` says something. */
export function readShapes(network: string): ConvShape[] {
  const lines = readFileSync(path.join(folder, `${network}.txt`), 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map(parseShape);
}
