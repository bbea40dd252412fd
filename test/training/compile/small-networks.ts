import type { Activation, Graph, Node, Pads, Shape } from '../../../training/graph/graph.ts';

/** Small networks with seeded random weights, one for each thing that a compiler can get wrong. */

/** Mulberry32, −1…1. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

/** Pixels −1…1, their zero at 127.5, which is none. */
export const pixelsFor = ({ input }: Graph) => ({
  scale: Array.from({ length: input.shape[2] }, () => 2 / 255),
  offset: Array.from({ length: input.shape[2] }, () => -1),
});

/** Pixels of noise. */
export function picture({ input }: Graph, seed: number): Uint8Array {
  const next = random(seed);
  return Uint8Array.from({ length: input.shape[0] * input.shape[1] * input.shape[2] }, () => (next() + 1) * 127.9);
}

export interface ConvOptions {
  readonly kernel?: number;
  readonly stride?: number;
  readonly pad?: number | Pads;
  readonly dilation?: number;
  readonly groups?: number;
}

export const RELU: Activation = { kind: 'clip', low: 0, high: Number.POSITIVE_INFINITY };

/** Writes a network node by node; each method gives the name of the new value. */
export class Network {
  readonly nodes: Node[] = [];
  readonly input: Graph['input'];
  readonly #random: () => number;

  constructor(shape: Shape, seed = 1) {
    this.input = { name: 'pixels', shape };
    this.#random = random(seed);
  }

  values(count: number, size = 1): Float32Array {
    return Float32Array.from({ length: count }, () => this.#random() * size);
  }

  add(operation: Omit<Node, 'name' | 'inputs'> & { readonly op: Node['op'] }, ...inputs: string[]): string {
    const name = `${operation.op}${this.nodes.length}`;
    this.nodes.push({ ...operation, name, inputs } as Node);
    return name;
  }

  conv(input: string, inputs: number, outputs: number, options: ConvOptions = {}): string {
    const { kernel = 1, stride = 1, pad = 0, dilation = 1, groups = 1 } = options;
    const taps = kernel * kernel * (inputs / groups);
    const pads: Pads = typeof pad === 'number' ? [pad, pad, pad, pad] : pad;
    return this.add(
      {
        op: 'conv',
        kernel: [kernel, kernel],
        strides: [stride, stride],
        dilations: [dilation, dilation],
        pads,
        groups,
        weights: this.values(taps * outputs, Math.sqrt(3 / taps)),
        bias: this.values(outputs, 0.3),
      } as unknown as Node,
      input,
    );
  }

  dense(input: string, inputs: number, outputs: number): string {
    const weights = this.values(inputs * outputs, Math.sqrt(3 / inputs));
    return this.add({ op: 'dense', weights, bias: this.values(outputs, 0.3) } as Node, input);
  }

  norm(input: string, channels: number): string {
    const scale = this.values(channels, 0.5).map((value) => 1 + value);
    return this.add({ op: 'scale-shift', scale, shift: this.values(channels, 0.5) } as Node, input);
  }

  act(input: string, activation: Activation = RELU): string {
    return this.add({ op: 'activation', activation } as Node, input);
  }

  convAct(input: string, inputs: number, outputs: number, options: ConvOptions = {}): string {
    return this.act(this.norm(this.conv(input, inputs, outputs, options), outputs));
  }

  pool(
    op: 'max-pool' | 'average-pool',
    input: string,
    output: number,
    kernel: number,
    stride: number,
    pad = 0,
  ): string {
    const window = {
      kernel: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      output: [output, output],
    };
    return this.add(
      { op, ...window, ...(op === 'average-pool' ? { countPads: false } : {}) } as unknown as Node,
      input,
    );
  }

  /** Mean, dense layer, softmax. */
  head(input: string, channels: number, classes = 10): Graph {
    const mean = this.add({ op: 'global-average-pool' } as Node, input);
    return this.end(this.add({ op: 'softmax' } as Node, this.dense(mean, channels, classes)));
  }

  end(output: string): Graph {
    return { input: this.input, nodes: this.nodes, output };
  }
}

const SIDE = 12;
const fresh = (seed: number, channels = 3) => new Network([SIDE, SIDE, channels], seed);

/** By name; each takes 12x12 pixels. */
export const SMALL_NETWORKS: Readonly<Record<string, () => Graph>> = {
  'convolution, batch norm, ReLU, max-pool'() {
    const n = fresh(1);
    const first = n.convAct('pixels', 3, 16, { kernel: 3, pad: 1 });
    return n.head(n.convAct(n.pool('max-pool', first, 6, 3, 2, 1), 16, 20, { kernel: 3, pad: 1 }), 20);
  },
  'residual additions, the shortcut computed last'() {
    const n = fresh(2);
    const stem = n.convAct('pixels', 3, 16, { kernel: 3, pad: 1 });
    const main = n.norm(n.conv(n.convAct(stem, 16, 8), 8, 24, { stride: 2 }), 24);
    const block = n.act(n.add({ op: 'add' } as Node, main, n.norm(n.conv(stem, 16, 24, { stride: 2 }), 24)));
    const second = n.norm(n.conv(n.convAct(block, 24, 8, { kernel: 3, pad: 1 }), 8, 24), 24);
    return n.head(n.act(n.add({ op: 'add' } as Node, second, block)), 24);
  },
  'pre-activation: a batch norm that cannot be folded'() {
    const n = fresh(3);
    const stem = n.conv('pixels', 3, 12, { kernel: 3, pad: 1 });
    const branch = n.conv(n.act(n.norm(stem, 12)), 12, 12, { kernel: 3, pad: 1 });
    return n.head(n.act(n.norm(n.add({ op: 'add' } as Node, branch, stem), 12)), 12);
  },
  'concatenation, in place and by copy'() {
    const n = fresh(4);
    const stem = n.convAct('pixels', 3, 16, { kernel: 3, pad: 1 });
    const aligned = n.add(
      { op: 'concat' } as Node,
      n.convAct(stem, 16, 8),
      n.convAct(stem, 16, 24, { kernel: 3, pad: 1 }),
      stem,
    );
    const odd = n.add(
      { op: 'concat' } as Node,
      n.convAct(aligned, 48, 5),
      n.convAct(aligned, 48, 7),
      n.convAct(aligned, 48, 9),
    );
    return n.head(n.convAct(odd, 21, 16), 16);
  },
  'depthwise, ReLU6, linear bottleneck'() {
    const n = fresh(5);
    const relu6: Activation = { kind: 'clip', low: 0, high: 6 };
    const stem = n.act(n.conv('pixels', 3, 8, { kernel: 3, stride: 2, pad: [0, 0, 1, 1] }), relu6);
    const wide = n.act(n.norm(n.conv(stem, 8, 24), 24), relu6);
    const deep = n.act(n.conv(wide, 24, 24, { kernel: 3, pad: 1, groups: 24 }), relu6);
    return n.head(n.convAct(n.add({ op: 'add' } as Node, stem, n.conv(deep, 24, 8)), 8, 16), 16);
  },
  'squeeze-and-excitation with sigmoid, hard-swish'() {
    const n = fresh(6);
    const map = n.act(n.conv('pixels', 3, 16, { kernel: 3, pad: 1 }), { kind: 'hard-swish' });
    const squeezed = n.convAct(n.add({ op: 'global-average-pool' } as Node, map), 16, 4);
    const gate = n.act(n.conv(squeezed, 4, 16), { kind: 'sigmoid' });
    return n.head(n.convAct(n.add({ op: 'mul' } as Node, map, gate), 16, 16), 16);
  },
  'hard-swish and hard-sigmoid spelled out'() {
    const n = fresh(7);
    const x = n.conv('pixels', 3, 12, { kernel: 3, pad: 1 });
    const plus3 = n.add({ op: 'scale-shift', scale: Float32Array.of(1), shift: Float32Array.of(3) } as Node, x);
    const product = n.add({ op: 'mul' } as Node, x, n.act(plus3, { kind: 'clip', low: 0, high: 6 }));
    const sixth = n.add(
      { op: 'scale-shift', scale: Float32Array.of(1 / 6), shift: Float32Array.of(0) } as Node,
      product,
    );
    const gate = n.conv(n.add({ op: 'global-average-pool' } as Node, sixth), 12, 12);
    return n.head(
      n.add({ op: 'mul' } as Node, sixth, n.act(gate, { kind: 'hard-sigmoid', alpha: 0.2, beta: 0.5 })),
      12,
    );
  },
  'PReLU with slopes of its own'() {
    const n = fresh(8);
    const x = n.act(n.conv('pixels', 3, 12, { kernel: 3 }), { kind: 'prelu', slope: n.values(12, 0.4) });
    const pooled = n.pool('average-pool', x, 5, 2, 2);
    return n.head(n.act(n.conv(pooled, 12, 8), { kind: 'prelu', slope: Float32Array.of(0.1) }), 8);
  },
  'local response normalization, ceil-mode pools'() {
    const n = fresh(9);
    const x = n.pool('max-pool', n.act(n.conv('pixels', 3, 16, { kernel: 3, pad: 1 })), 6, 3, 2);
    const normal = n.add({ op: 'lrn', size: 5, alpha: 0.5, beta: 0.75, k: 1 } as Node, x);
    return n.head(n.convAct(n.pool('average-pool', normal, 6, 3, 1, 1), 16, 16), 16);
  },
  'shortcut by slice and pad'() {
    const n = fresh(10);
    const stem = n.convAct('pixels', 3, 8, { kernel: 3, pad: 1 });
    const half = { start: [0, 0, 0], size: [6, 6, 8], step: [2, 2, 1] };
    const slice = n.add({ op: 'slice', ...half } as unknown as Node, stem);
    const padded = n.add({ op: 'pad', pads: [0, 0, 0, 0], channels: [4, 4] } as unknown as Node, slice);
    return n.head(
      n.act(n.add({ op: 'add' } as Node, n.conv(stem, 8, 16, { kernel: 3, stride: 2, pad: 1 }), padded)),
      16,
    );
  },
  'a dense layer over the picture'() {
    const n = fresh(11, 1);
    const hidden = n.act(n.dense(n.add({ op: 'flatten' } as Node, 'pixels'), 144, 32));
    return n.end(n.add({ op: 'softmax' } as Node, n.dense(hidden, 32, 10)));
  },
  'a dense layer over a map of 5 channels'() {
    const n = fresh(12);
    const map = n.pool('max-pool', n.convAct('pixels', 3, 5, { kernel: 3, pad: 1 }), 6, 2, 2);
    const hidden = n.act(n.dense(n.add({ op: 'flatten' } as Node, map), 180, 24));
    return n.end(n.dense(hidden, 24, 10));
  },
  'groups and dilation'() {
    const n = fresh(13);
    const stem = n.convAct('pixels', 3, 16, { kernel: 3, pad: 2, dilation: 2 });
    return n.head(
      n.convAct(n.convAct(stem, 16, 32, { kernel: 3, pad: 1, groups: 2 }), 32, 16, { kernel: 3, pad: 2, dilation: 2 }),
      16,
    );
  },
  'zero padding and pools as nodes of their own'() {
    const n = fresh(14);
    const one = { op: 'pad', pads: [1, 1, 1, 1], channels: [0, 0] } as unknown as Node;
    const stem = n.convAct(n.add(one, 'pixels'), 3, 12, { kernel: 3 });
    return n.head(n.convAct(n.pool('max-pool', n.add(one, stem), 6, 3, 2), 12, 16), 16);
  },
  'a picture that goes through a pool first'() {
    const n = fresh(15);
    return n.head(n.convAct(n.pool('average-pool', 'pixels', 6, 2, 2), 3, 16, { kernel: 3, pad: 1 }), 16);
  },
  'depthwise first, and scaled by the network itself'() {
    const n = fresh(16);
    const scale = Float32Array.of(0.5, 1, 2);
    const scaled = n.add({ op: 'scale-shift', scale, shift: Float32Array.of(-1, 0, 1) } as Node, 'pixels');
    return n.head(n.convAct(n.conv(scaled, 3, 3, { kernel: 3, groups: 3 }), 3, 16), 16);
  },
  'three outputs with a sigmoid each'() {
    const n = fresh(17);
    const map = n.convAct('pixels', 3, 8, { kernel: 3 });
    const mean = n.add({ op: 'global-average-pool' } as Node, map);
    return n.end(n.act(n.dense(mean, 8, 3), { kind: 'sigmoid' }));
  },
  'a map as output'() {
    const n = fresh(18);
    return n.end(n.pool('max-pool', n.convAct('pixels', 3, 12, { kernel: 3, pad: 1 }), 6, 2, 2));
  },
};
