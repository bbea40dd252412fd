// `functions/` is one Cloudflare Worker with routes of its own, not the file-system routing of Cloudflare Pages.
import { createService } from './app.ts';
import { SHARED_ISOLATE_BYTES } from './catalogue/isolate-bytes.ts';
import { classifierEntrypoint } from './classifier-entrypoint.ts';
import { type AccessEnv, edgeAccess } from './edge-access.ts';
import { answer, type EdgeEnv, edgeAnswers, edgeHost } from './edge-host.ts';
import { edgeImages, type ImagesEnv } from './edge-images.ts';
import { edgeHeads, edgeJobs, type JobsEnv } from './edge-jobs.ts';
import { edgeWebhooks, type WebhookEnv } from './edge-webhooks.ts';

interface Env extends EdgeEnv, AccessEnv, WebhookEnv, JobsEnv, ImagesEnv {
  /** `off`: the answers of networks are not kept. */
  readonly ANSWER_CACHE?: string;
  /** The Worker of `isolated.ts`, where it is deployed too. */
  readonly ISOLATED?: Fetcher;
  /** A model that plans more memory than this runs there. */
  readonly SHARED_MODEL_BYTES?: number | string;
}

let service: ReturnType<typeof createService> | undefined;

function serviceOf(env: Env) {
  const { ASSETS, ISOLATED, SHARED_MODEL_BYTES = 0 } = env;
  service ??= createService({
    ...edgeHost(env),
    ...edgeAnswers(env),
    ...edgeAccess(env),
    ...edgeWebhooks(env),
    ...edgeJobs(env),
    ...edgeHeads(env),
    ...edgeImages(env),
    page: (page) => ASSETS.fetch(page),
    memoryBytes: SHARED_ISOLATE_BYTES,
    ...(ISOLATED && { isolated: { aboveBytes: Number(SHARED_MODEL_BYTES), fetch: (call) => ISOLATED.fetch(call) } }),
  });
  return service;
}

/** What Workers of the same account bind. */
export const Classifier = classifierEntrypoint<Env>((env) => serviceOf(env).inProcess);

export default {
  fetch(request, env, context) {
    return answer(serviceOf(env).app, request, env, context);
  },
  async queue(batch, env) {
    await serviceOf(env).jobs?.consume(batch);
  },
  async scheduled(_event, env) {
    await serviceOf(env).jobs?.sweep();
  },
} satisfies ExportedHandler<Env>;
