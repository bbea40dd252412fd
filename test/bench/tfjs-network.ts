import * as tf from '@tensorflow/tfjs-core';
import { type FusedGraph, type Layer, shapeIn } from '../../training/compile/fused-graph.ts';
import type { Activation } from '../../training/graph/graph.ts';
import { prepareNode } from '../../training/graph/tensor-ops.ts';

type Step = (inputs: readonly tf.Tensor4D[]) => tf.Tensor4D;

/**
 * A float network on TF.js in its fastest form: batch norms folded, bias and ReLU fused into convolutions. The
 * backend has to be started before.
 * @returns runs one input and gives the output's values
 */
export function tfjsNetwork(fused: FusedGraph): (input: Float32Array) => Float32Array {
  const steps = fused.layers.map((layer) => ({ layer, step: stepOf(layer, fused) }));
  const lastReader = new Map<string, Layer>();
  for (const { layer } of steps) for (const name of readsOf(layer)) lastReader.set(name, layer);
  return (input) => {
    const live = new Map<string, tf.Tensor4D>([[fused.input.name, tf.tensor4d(input, [1, ...fused.input.shape])]]);
    for (const { layer, step } of steps) {
      const names = readsOf(layer);
      const value = tf.tidy(() => step(names.map((name) => live.get(name) as tf.Tensor4D)));
      for (const name of new Set(names)) if (lastReader.get(name) === layer) live.get(name)?.dispose();
      live.set(layer.name, value);
    }
    const output = live.get(fused.output);
    const values = output?.dataSync<'float32'>().slice() ?? new Float32Array(0);
    output?.dispose();
    return values;
  };
}

const readsOf = (layer: Layer): string[] => [...layer.inputs, ...(layer.residual === null ? [] : [layer.residual])];

function stepOf(layer: Layer, fused: FusedGraph): Step {
  const shapes = layer.inputs.map((name) => shapeIn(fused, name));
  const { operation } = layer;
  if (operation.op === 'copy') throw new Error('slices and pads are not benched');
  const name = fusedActivation(layer.activation);
  const [, , channels] = shapes[0] ?? [0, 0, 0];
  if (operation.op === 'conv' && operation.groups === 1 && layer.residual === null && name !== null) {
    const { kernel, strides, pads, weights, bias } = operation;
    const outputs = weights.length / (kernel[0] * kernel[1] * channels);
    const filter = tf.tensor4d(weights, [kernel[0], kernel[1], channels, outputs]);
    const shift = tf.tensor1d(bias ?? new Float32Array(outputs));
    const [top, left, bottom, right] = pads;
    return ([x]) =>
      tf.fused.conv2d({
        x: x as tf.Tensor4D,
        filter,
        strides: [...strides],
        pad: [
          [0, 0],
          [top, bottom],
          [left, right],
          [0, 0],
        ],
        bias: shift,
        activation: name,
      });
  }
  const node = prepareNode({ name: layer.name, inputs: layer.inputs, ...operation }, shapes, (weights) => weights);
  const activate = layer.activation
    ? prepareNode(
        { name: layer.name, inputs: [layer.name], op: 'activation', activation: layer.activation },
        [shapeIn(fused, layer.name)],
        (weights) => weights,
      )
    : null;
  return (inputs) => {
    const value = node(inputs.slice(0, layer.inputs.length));
    const residual = inputs[layer.inputs.length];
    const sum = residual ? tf.add<tf.Tensor4D>(value, residual) : value;
    return activate ? activate([sum]) : sum;
  };
}

function fusedActivation(activation: Activation | null): 'linear' | 'relu' | 'relu6' | null {
  if (activation === null) return 'linear';
  if (activation.kind !== 'clip' || activation.low !== 0) return null;
  return activation.high === Number.POSITIVE_INFINITY ? 'relu' : activation.high === 6 ? 'relu6' : null;
}
