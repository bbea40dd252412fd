import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { checkGraph } from './check.ts';
import { type Graph, GraphError, type Shape } from './graph.ts';
import { elements } from './shapes.ts';
import { type Evaluate, prepareNode } from './tensor-ops.ts';

/** A float graph with its weights in place. */
export interface Interpreter {
  /** Shape of every value by name. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /**
   * @param input float32 `[height, width, channels]` as the network expects it, scaled and offset already.
   * @param keep which values to give back, all of them (the input too) unless said otherwise.
   * @returns float32 `[height, width, channels]` a value, by name.
   */
  run(input: Float32Array, keep?: (name: string) => boolean): Promise<Map<string, Float32Array>>;
  /** Frees the weights. */
  dispose(): void;
}

/**
 * The reference that calibration and comparisons use: one node after the other in float32 on TF.js' WASM SIMD
 * backend (a ResNet-50 takes about 0.3 s an image; plain loops would take a minute). A value is freed after its last reader.
 * @throws GraphError where the graph is not well formed.
 */
export async function prepareInterpreter(graph: Graph): Promise<Interpreter> {
  const shapes = checkGraph(graph);
  await useBackend();
  const readers = new Map<string, number>();
  for (const name of graph.nodes.flatMap((node) => node.inputs)) readers.set(name, (readers.get(name) ?? 0) + 1);
  const held: tf.Tensor[] = [];
  const steps = graph.nodes.map((node) => {
    const inputs = node.inputs.map((name) => shapes.get(name) ?? graph.input.shape);
    const hold = <T extends tf.Tensor>(weights: T): T => {
      held.push(weights);
      return weights;
    };
    return { node, evaluate: prepareNode(node, inputs, hold) satisfies Evaluate };
  });

  return {
    shapes,
    async run(input, keep = () => true) {
      const size = elements(graph.input.shape);
      if (input.length !== size)
        throw new GraphError(
          `The input has ${input.length} values, and [${graph.input.shape.join(', ')}] are ${size}.`,
        );
      await useBackend();
      const kept = new Map<string, Float32Array>();
      const live = new Map<string, tf.Tensor4D>();
      const left = new Map(readers);
      const store = (name: string, value: tf.Tensor4D) => {
        if (keep(name)) kept.set(name, value.dataSync<'float32'>().slice());
        if (left.get(name)) live.set(name, value);
        else value.dispose();
      };
      store(graph.input.name, tf.tensor4d(input, [1, ...graph.input.shape]));
      for (const { node, evaluate } of steps) {
        const inputs = node.inputs.map((name) => {
          const value = live.get(name);
          if (!value) throw new Error(`"${name}" was freed before "${node.name}" read it`);
          return value;
        });
        const value = tf.tidy(() => evaluate(inputs));
        for (const name of node.inputs) {
          const rest = (left.get(name) ?? 1) - 1;
          left.set(name, rest);
          if (rest === 0) live.get(name)?.dispose();
        }
        store(node.name, value);
      }
      return kept;
    },
    dispose() {
      tf.dispose(held.splice(0));
    },
  };
}

async function useBackend(): Promise<void> {
  if (tf.getBackend() === 'wasm') return;
  // Emscripten's own listeners print the whole of its source before any uncaught error.
  const events = ['uncaughtException', 'unhandledRejection'];
  const before = new Set(events.flatMap((event) => process.listeners(event as 'uncaughtException')));
  if (!(await tf.setBackend('wasm'))) throw new Error('TF.js did not start its WASM backend.');
  await tf.ready();
  for (const event of events)
    for (const listener of process.listeners(event as 'uncaughtException'))
      if (!before.has(listener)) process.removeListener(event, listener);
}
