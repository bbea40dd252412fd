import type { Tensor } from '@tensorflow/tfjs-core';

/** What `tf.customGrad` hands a forward function as its last argument: keeps what the gradient will need. */
export type Save = (tensors: Tensor[]) => void;
