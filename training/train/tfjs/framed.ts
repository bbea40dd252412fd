import * as tf from '@tensorflow/tfjs-core';
import type { Pads } from '../../graph/graph.ts';

/** Zeros around a map, or rows and columns cut off where a number is negative. */
export function framed(x: tf.Tensor4D, pads: Pads): tf.Tensor4D {
  const [batch, height, width, channels] = x.shape;
  const [top, left, bottom, right] = pads;
  const cut = (pad: number) => Math.max(-pad, 0);
  const size = (length: number, before: number, after: number) => length - cut(before) - cut(after);
  const kept: [number, number, number, number] = [batch, size(height, top, bottom), size(width, left, right), channels];
  const inner = Math.min(...pads) < 0 ? tf.slice(x, [0, cut(top), cut(left), 0], kept) : x;
  if (Math.max(...pads) <= 0) return inner;
  const added = (before: number, after: number): [number, number] => [Math.max(before, 0), Math.max(after, 0)];
  return tf.pad(inner, [[0, 0], added(top, bottom), added(left, right), [0, 0]]);
}
