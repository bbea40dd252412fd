import baseline from '../../../functions/runtime/int8/build/baseline.wasm';
import fused from '../../../functions/runtime/int8/build/fused.wasm';
import relaxed from '../../../functions/runtime/int8/build/relaxed.wasm';
import { chooseKernels } from '../../../functions/runtime/int8/kernels.ts';
import { int8Runner } from '../int8-runner.ts';
import { serve } from './serve.ts';

export default serve((read, runner) =>
  int8Runner(runner === 'int8' ? chooseKernels({ baseline, relaxed, fused }) : baseline, read),
);
