import type { Layer, Parameter } from '../../architectures/layer.ts';
import type { Shape } from '../../graph/graph.ts';
import type { OnnxBuilder } from '../../onnx/builder.ts';

/**
 * What all layers are written with. Maps are NCHW `[batch, channels, height, width]`, as onnxruntime computes them;
 * vectors are `[batch, n]`. Parameters are as `architectures/layer.ts` has them.
 */
export interface Pass {
  readonly graph: OnnxBuilder;
  /** Else inference: batch norms use the moving statistics, dropout passes. */
  readonly training: boolean;
  /** Of `blocked-channels.ts`. */
  readonly block: number;
  /** Whether the batch holds whole blocks of images. */
  readonly wholeBlocks: boolean;
  /** 1 / batch, a number. */
  readonly perImage: string;
  parameter(layer: Layer, name: Parameter['name']): string;
  /** What a dropout multiplies with. */
  mask(layer: Of<'dropout'>): string;
  /** Reports the statistics of this batch. */
  measured(layer: Layer, name: 'moving_mean' | 'moving_variance', value: string): void;
}

export type Of<K extends Layer['kind']> = Extract<Layer, { kind: K }>;

/** What a layer reads. */
export interface Value {
  readonly name: string;
  readonly shape: Shape;
  readonly vector: boolean;
}

/** Gradients of the loss: each input's is written only when it is asked for, as the network's own input needs none. */
export interface Backward {
  readonly inputs: readonly (() => string)[];
  readonly parameters: Readonly<Partial<Record<Parameter['name'], string>>>;
}

/** A layer's value, and the way back from its gradient. */
export interface Step {
  readonly value: string;
  backward(gradient: string): Backward;
}

/** A step without parameters, of one input. */
export function simple(value: string, back: (gradient: string) => string): Step {
  return { value, backward: (gradient) => ({ inputs: [() => back(gradient)], parameters: {} }) };
}

/** Σ over images and positions, of `[batch, channels, …]`. @returns `[channels]` */
export function channelSums({ graph }: Pass, value: string): string {
  const flat = graph.reshape(value, 0, 0, -1);
  return graph.reduce('ReduceSum', graph.reduce('ReduceSum', flat, [2]), [0]);
}
