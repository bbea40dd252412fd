import { type Layer, type Parameter, parametersOf } from '../../architectures/layer.ts';
import type { Network } from '../../architectures/network.ts';
import type { Shape } from '../../graph/graph.ts';
import { OnnxBuilder } from '../../onnx/builder.ts';
import { writeOnnx } from '../../onnx/write.ts';
import { layerStep } from './layer-step.ts';
import type { Of, Pass, Step, Value } from './step.ts';

/** What an engine needs to know of a network. */
export type Layers = Pick<Network, 'input' | 'layers' | 'auxiliaries'>;

/** The operators' version: the first in which `ScatterElements` adds and reductions take their axes as an input. */
const OPSET = 18;
/** Inputs beside the parameters, which carry their own names; layers' names have no `#`. */
export const INPUTS = { pixels: '#pixels', targets: '#targets', perImage: '#per-image', mask: '#mask/' } as const;

export interface TrainingGraph {
  readonly model: Uint8Array<ArrayBuffer>;
  /** Outputs by what they hold. */
  readonly logits: string;
  readonly gradients: ReadonlyMap<string, string>;
  readonly statistics: ReadonlyMap<string, string>;
  /** Dropouts whose masks are inputs, with their place in the list that they are in. */
  readonly dropouts: readonly { readonly layer: Of<'dropout'>; readonly index: number }[];
}

/**
 * Pixels, targets, masks and parameters → logits, gradients and statistics: reverse-mode differentiation over the
 * layers.
 * @param block of `blocked-channels.ts`
 * @param wholeBlocks whether it is for batches of a multiple of that
 */
export function trainingGraph(network: Layers, block: number, wholeBlocks: boolean): TrainingGraph {
  const writer = new NetworkWriter(network, { training: true, block, wholeBlocks });
  const logits = writer.forward(network.layers);
  const heads = [
    { logits, weight: 1 },
    ...network.auxiliaries.map(({ layers, weight }) => ({ logits: writer.forward(layers), weight })),
  ];
  const gradients = writer.backward(heads);
  const { statistics, dropouts } = writer;
  const outputs = [logits.name, ...gradients.values(), ...statistics.values()];
  return { model: writer.write(outputs), logits: logits.name, gradients, statistics, dropouts };
}

/** Pixels and parameters → scores. */
export function scoresGraph(network: Layers, block: number): { model: Uint8Array<ArrayBuffer>; scores: string } {
  const writer = new NetworkWriter(network, { training: false, block, wholeBlocks: false });
  const scores = writer.graph.add('Softmax', [writer.forward(network.layers).name], { axis: 1 });
  return { model: writer.write([scores]), scores };
}

/** Of all that training computes, by `<layer>/<parameter>`. */
export function parametersByName({ layers, auxiliaries }: Layers): ReadonlyMap<string, Parameter> {
  const all = [...layers, ...auxiliaries.flatMap((auxiliary) => auxiliary.layers)];
  return new Map(
    all.flatMap((layer) => parametersOf(layer).map((parameter) => [`${layer.name}/${parameter.name}`, parameter])),
  );
}

interface Head {
  readonly logits: Value & { readonly layer: string };
  readonly weight: number;
}

class NetworkWriter {
  readonly graph = new OnnxBuilder();
  readonly statistics = new Map<string, string>();
  readonly dropouts: { layer: Of<'dropout'>; index: number }[] = [];
  readonly #pass: Pass;
  readonly #values = new Map<string, Value>();
  readonly #steps: { layer: Layer; step: Step }[] = [];
  #index = 0;

  constructor(network: Layers, how: Pick<Pass, 'training' | 'block' | 'wholeBlocks'>) {
    const { graph } = this;
    const { input } = network;
    const parameters = new Map<string, string>();
    const known = parametersByName(network);
    let perImage = '';
    this.#pass = {
      graph,
      ...how,
      get perImage() {
        perImage ||= graph.input(INPUTS.perImage, []);
        return perImage;
      },
      parameter: (layer, name) => {
        const key = `${layer.name}/${name}`;
        if (!parameters.has(key)) parameters.set(key, graph.input(key, known.get(key)?.shape ?? []));
        return key;
      },
      mask: (layer) => this.#mask(layer),
      measured: (layer, name, value) => this.statistics.set(`${layer.name}/${name}`, value),
    };
    const pixels = graph.input(INPUTS.pixels, ['batch', ...input.shape]);
    this.#values.set(input.name, {
      name: channelsFirst(graph, pixels, input.shape),
      shape: input.shape,
      vector: false,
    });
  }

  /** @returns the last layer's value */
  forward(layers: readonly Layer[]): Head['logits'] {
    let last = { name: '', shape: [1, 1, 1] as Shape, vector: true, layer: '' };
    for (const [index, layer] of layers.entries()) {
      this.#index = index;
      const [first, ...others] = layer.inputs.map((name) => this.#value(name));
      if (!first) throw new Error(`"${layer.name}" reads nothing`);
      const step = layerStep(this.#pass, layer, [first, ...others]);
      last = { name: step.value, shape: layer.output, vector: layer.vector, layer: layer.name };
      this.#values.set(layer.name, last);
      this.#steps.push({ layer, step });
    }
    return last;
  }

  /** @returns outputs by parameter */
  backward(heads: readonly Head[]): ReadonlyMap<string, string> {
    const { graph } = this;
    const targets = graph.input(INPUTS.targets, ['batch', heads[0]?.logits.shape[2] ?? 0]);
    const arrived = new Map<string, string[]>();
    const arrive = (name: string, gradient: string) => arrived.set(name, [...(arrived.get(name) ?? []), gradient]);
    for (const { logits, weight } of heads) {
      // Of the mean of −Σ target · log(softmax), where targets sum to 1.
      const difference = graph.add('Sub', [graph.add('Softmax', [logits.name], { axis: 1 }), targets]);
      const factor = graph.add('Mul', [this.#pass.perImage, graph.number(weight)]);
      arrive(logits.layer, graph.add('Mul', [difference, factor]));
    }
    const trained = this.#trained();
    const gradients = new Map<string, string>();
    for (const { layer, step } of this.#steps.toReversed()) {
      const parts = arrived.get(layer.name) ?? [];
      const [only] = parts;
      if (only === undefined || !trained.has(layer.name)) continue;
      const { inputs, parameters } = step.backward(parts.length === 1 ? only : graph.add('Sum', parts));
      for (const [name, gradient] of Object.entries(parameters)) gradients.set(`${layer.name}/${name}`, gradient);
      for (const [at, name] of layer.inputs.entries()) {
        const gradient = trained.has(name) ? inputs[at] : undefined;
        if (gradient) arrive(name, gradient());
      }
    }
    return gradients;
  }

  write(outputs: readonly string[]): Uint8Array<ArrayBuffer> {
    return writeOnnx(this.graph.model(OPSET, outputs));
  }

  /** Names of layers whose values depend on something that is trained. */
  #trained(): ReadonlySet<string> {
    const trained = new Set<string>();
    for (const { layer } of this.#steps)
      if (parametersOf(layer).length > 0 || layer.inputs.some((name) => trained.has(name))) trained.add(layer.name);
    return trained;
  }

  #mask(layer: Of<'dropout'>): string {
    this.dropouts.push({ layer, index: this.#index });
    const name = `${INPUTS.mask}${layer.name}`;
    if (layer.vector) return this.graph.input(name, ['batch', layer.output[2]]);
    return channelsFirst(this.graph, this.graph.input(name, ['batch', ...layer.output]), layer.output);
  }

  #value(name: string): Value {
    const value = this.#values.get(name);
    if (!value) throw new Error(`No layer before makes "${name}"`);
    return value;
  }
}

function channelsFirst(graph: OnnxBuilder, value: string, [height, width, channels]: Shape): string {
  return channels === 1 ? graph.reshape(value, 0, 1, height, width) : graph.transpose(value, 0, 3, 1, 2);
}
