import module from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
import { tfjsRunner } from '../tfjs-runner.ts';
import { serve } from './serve.ts';

export default serve((read) => tfjsRunner(module, read));
