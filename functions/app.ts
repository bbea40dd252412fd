import { type Context, Hono } from 'hono';
import { contextStorage } from 'hono/context-storage';
import { RegExpRouter } from 'hono/router/reg-exp-router';
import { Authenticator } from './access/authenticate.ts';
import type { Caller } from './access/caller.ts';
import { UsageCounter } from './access/usage.ts';
import { Catalogue } from './catalogue/catalogue.ts';
import { PICTURES_BYTES } from './catalogue/isolate-bytes.ts';
import type { Manifest } from './catalogue/manifest.ts';
import { Residents } from './catalogue/resident.ts';
import { AnswerCache } from './classify/answer-cache.ts';
import { Classify } from './classify/classify.ts';
import { metered } from './classify/metered.ts';
import { placed } from './classify/remote.ts';
import { ServiceError } from './errors.ts';
import { Heads } from './heads/heads.ts';
import type { Access, Host } from './host.ts';
import type { UrlRules } from './input/fetch-url.ts';
import { Jobs } from './jobs/jobs.ts';
import { MemoryBudget } from './memory-budget.ts';
import { access, callerMayUse, takingOf } from './middleware/access.ts';
import { cacheUse, noteCache } from './middleware/caching.ts';
import { calls } from './middleware/call.ts';
import { crossOrigin } from './middleware/cors.ts';
import { LoadLimit, loadLimit } from './middleware/load-limit.ts';
import { log } from './middleware/log.ts';
import { dataPoints, Metrics } from './middleware/metrics.ts';
import { problem, problemOf } from './middleware/problem.ts';
import { rateLimitHeaders } from './middleware/rate-limit.ts';
import { note, traced, type Witness } from './middleware/record.ts';
import { requestId } from './middleware/request-id.ts';
import { securityHeaders } from './middleware/security-headers.ts';
import { Receipts } from './receipts/receipts.ts';
import { classifyRoute } from './routes/classify.ts';
import { demoRoutes } from './routes/demo.ts';
import { docsRoutes } from './routes/docs.ts';
import { embedRoute } from './routes/embed.ts';
import { foreignError } from './routes/error-forms.ts';
import { headsRoute } from './routes/heads.ts';
import { healthRoutes } from './routes/health.ts';
import { hooksRoute } from './routes/hooks.ts';
import { huggingFaceRoute } from './routes/hugging-face.ts';
import { huggingFaceFeaturesRoute } from './routes/hugging-face-features.ts';
import { InProcess } from './routes/in-process.ts';
import { jobsRoute } from './routes/jobs.ts';
import { metricsRoute } from './routes/metrics.ts';
import { modelFilesRoute } from './routes/model-files.ts';
import { modelRoutes } from './routes/models.ts';
import { openInferenceRoutes } from './routes/open-inference/routes.ts';
import { receiptsRoute } from './routes/receipts.ts';
import { refusal, tensorRoute } from './routes/tensor.ts';
import { tensorFlowServingRoutes } from './routes/tensorflow-serving/routes.ts';
import { tokenRoute } from './routes/tokens.ts';
import { usageRoute } from './routes/usage.ts';
import { withoutDatabaseRoutes } from './routes/without-database.ts';
import { WebhookSecrets } from './webhooks/secrets.ts';

/** The service over HTTP alone. */
export const createApp = (host: Host): Hono => createService(host).app;

/** The whole service over one {@link Host}, the same at the edge, in Node and in tests: by HTTP, and for Workers that bind it. */
export function createService(host: Host): { app: Hono; inProcess: InProcess; jobs: Jobs | undefined } {
  const usage = host.access && new UsageCounter(host.access.database);
  const receipts = host.receipts && new Receipts(host.receipts);
  const { catalogue, classify, budget } = useCaseOf(host, PICTURES_BYTES, usage, receipts);
  const metrics = new Metrics(budget);
  const witnesses = witnessesOf(host, metrics.count);
  const limit = new LoadLimit();
  // One regular expression for all routes; two that it cannot tell apart are an error.
  const app = new Hono({ router: new RegExpRouter() });
  app.use(requestId(witnesses), securityHeaders);
  if (host.corsOrigins?.length) app.use(crossOrigin(host.corsOrigins));
  app.use(loadLimit(limit));
  if (host.access && usage) protect(app, host.access, usage);
  const refuse = (error: unknown, c: Context) => {
    const refused = problemOf(error);
    note({ problem: refused.type });
    return foreignError(c.req.path, refused) ?? problem(error, c);
  };
  app.onError(refuse);
  app.notFound((c) =>
    refuse(
      new ServiceError(
        'route-unknown',
        `Nothing answers at ${c.req.path}.`,
        'POST an image to /classify/{model}; GET /models says which there are, /docs describes all routes.',
      ),
      c,
    ),
  );
  const urlRules = (caller: Caller | undefined) => urlRulesOf(host, caller?.key?.urlHosts ?? undefined);
  const heads = host.heads && new Heads({ ...host.heads, classify });
  classifyRoute(app, classify, problemOf, urlRules, heads);
  if (heads) headsRoute(app, heads, problemOf, urlRules);
  embedRoute(app, classify, problemOf, urlRules);
  if (receipts) receiptsRoute(app, receipts);
  modelRoutes(app, catalogue);
  modelFilesRoute(app, catalogue, host.models);
  healthRoutes(app, catalogue);
  tensorFlowServingRoutes(app, catalogue, classify);
  openInferenceRoutes(app, catalogue, classify);
  huggingFaceRoute(app, catalogue, classify);
  huggingFaceFeaturesRoute(app, classify);
  const jobs = jobsOf(host, catalogue, classify);
  if (jobs) jobRoutes(app, host, jobs, usage);
  if (host.withoutDatabase !== undefined) withoutDatabaseRoutes(app, host.withoutDatabase);
  metricsRoute(app, () => metrics.text());
  if (host.page) {
    docsRoutes(app, host.page);
    demoRoutes(app, host.page);
  }
  const call = calls({ within: (work) => limit.within(work), problemOf, witnesses });
  return { app, inProcess: new InProcess({ catalogue, classify, call }), jobs };
}

function jobsOf(host: Host, catalogue: Catalogue, classify: Classify): Jobs | undefined {
  if (!host.jobs) return undefined;
  const { httpLoopback = false, webhooks, log } = host;
  const open = host.access === undefined;
  const secrets = new WebhookSecrets({ database: host.jobs.database, worker: webhooks?.secret, open });
  const signingSecretsOf = (owner: string) => secrets.signingSecretsOf(owner);
  return new Jobs({ ...host.jobs, catalogue, classify, httpLoopback, signingSecretsOf, problemOf, log });
}

/** Pictures of a job are taken of the quota when it is accepted: whoever classifies them later is no request. */
function jobRoutes(app: Hono, { log, webhooks }: Host, jobs: Jobs, usage: UsageCounter | undefined): void {
  const take = usage && takingOf(usage, log);
  jobsRoute(app, jobs, async (images) => {
    await take?.(images);
  });
  if (webhooks) hooksRoute(app, { ...webhooks, jobs });
}

/** @param allowedHosts of the key that asks; undefined for all that are public */
function urlRulesOf(
  { httpLoopback = false, fetchAddress }: Host,
  allowedHosts: readonly string[] | undefined,
): UrlRules {
  return {
    allowHttpLoopback: httpLoopback,
    ...(allowedHosts && { allowedHosts }),
    ...(fetchAddress && { fetch: fetchAddress }),
  };
}

/** Before all routes: from here on a request has a caller, or is for an open address. */
function protect(app: Hono, host: Access, usage: UsageCounter): void {
  const authenticator = new Authenticator(host);
  app.use(contextStorage(), rateLimitHeaders, access(host, authenticator));
  tokenRoute(app, authenticator.tokens);
  usageRoute(app, usage);
}

/** What runs in an isolate of its own: input tensors in, scores out, for the Worker above alone. */
export function createTensorApp(host: Host): Hono {
  const app = new Hono();
  app.use(requestId(witnessesOf(host)));
  app.onError((error, c) => {
    note({ problem: problemOf(error).type });
    return refusal(error, c);
  });
  tensorRoute(app, useCaseOf(host, 0).classify);
  return app;
}

/** Who is told of what has ended. */
function witnessesOf(host: Host, ...others: Witness[]): Witness[] {
  return [log(host), ...(host.metrics ? [dataPoints(host, host.metrics)] : []), ...others];
}

/** @param picturesBytes of its memory that models leave for decoding */
function useCaseOf(host: Host, picturesBytes: number, usage?: UsageCounter, receipts?: Receipts) {
  const budget = new MemoryBudget(host.memoryBytes);
  const catalogue = new Catalogue(host.models, callerMayUse);
  const residents = new Residents(host.models, host.modules, budget, picturesBytes);
  const codecs = { ...host.modules, ...(host.fromHeic && { fromHeic: host.fromHeic }) };
  const all = placed(residents, host.isolated && traced(host.isolated));
  const take = usage && takingOf(usage, host.log);
  const models = take ? metered(all, take) : all;
  const onUse = ({ id, version, revision }: Manifest) => note({ model: id, version, revision });
  const cache = new AnswerCache({
    store: host.answers,
    use: () => cacheUse(host.access !== undefined),
    charge: async () => take?.(),
    tell: noteCache,
  });
  return {
    catalogue,
    classify: new Classify({ catalogue, models, paid: all, codecs, budget, onUse, cache, witness: receipts }),
    budget,
  };
}
