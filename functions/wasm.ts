/** The only place that imports `.wasm`; everything below it takes a compiled module. */
export { default as tfjs } from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
export { default as avif } from './image/avif/build/decoder.wasm';
export { default as jpeg } from './image/jpeg/build/decoder.wasm';
export { default as webp } from './image/webp/build/decoder.wasm';
export { default as baseline } from './runtime/int8/build/baseline.wasm';
export { default as fused } from './runtime/int8/build/fused.wasm';
export { default as relaxed } from './runtime/int8/build/relaxed.wasm';
