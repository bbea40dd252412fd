import { env } from 'cloudflare:workers';
import tfjs from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
import { createService } from '../../../functions/app.ts';
import type { Host } from '../../../functions/host.ts';
import jpeg from '../../../functions/image/jpeg/build/decoder.wasm';
import baseline from '../../../functions/runtime/int8/build/baseline.wasm';
import relaxed from '../../../functions/runtime/int8/build/relaxed.wasm';
import { makeSigningSecret } from '../../../functions/webhooks/sign.ts';
import { memoryAssets, memoryModel } from '../catalogue/model-folder.ts';

export const { JOB_IMAGES: bucket } = env as unknown as { JOB_IMAGES: R2Bucket };
export const secret = makeSigningSecret('hmac');
/** In base64, as a picture of an order. */
export const BROKEN = btoa('not an image');

/** With the model `a`, and jobs whose callbacks may go to this machine. */
export async function jobService(
  parts: { database: D1Database; queue: Queue<unknown> } & Pick<Host, 'access' | 'log'>,
) {
  const { database, queue, ...more } = parts;
  const { app, jobs } = createService({
    models: memoryAssets(new Map([['a', await memoryModel('a')]])).assets,
    page: null,
    modules: { tfjs, jpeg, int8: { baseline, relaxed } },
    memoryBytes: 100_000_000,
    httpLoopback: true,
    jobs: { database, bucket, queue },
    webhooks: { database, secret },
    ...more,
  });
  if (!jobs) throw new Error('there are no jobs');
  return { app, jobs };
}
