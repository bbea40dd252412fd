import { type Context, Hono } from 'hono';
import { Catalogue } from './catalogue/catalogue.ts';
import { Residents } from './catalogue/resident.ts';
import { Classify } from './classify/classify.ts';
import { placed } from './classify/remote.ts';
import { ServiceError } from './errors.ts';
import type { Host } from './host.ts';
import { MemoryBudget } from './memory-budget.ts';
import { log } from './middleware/log.ts';
import { problem, problemOf } from './middleware/problem.ts';
import { requestId } from './middleware/request-id.ts';
import { classifyRoute } from './routes/classify.ts';
import { demoRoutes } from './routes/demo.ts';
import { foreignError } from './routes/error-forms.ts';
import { healthRoutes } from './routes/health.ts';
import { huggingFaceRoute } from './routes/hugging-face.ts';
import { modelRoutes } from './routes/models.ts';
import { openInferenceRoutes } from './routes/open-inference/routes.ts';
import { refusal, tensorRoute } from './routes/tensor.ts';
import { tensorFlowServingRoutes } from './routes/tensorflow-serving/routes.ts';

/** The whole service over one {@link Host}: the same at the edge, in Node and in tests. */
export function createApp(host: Host): Hono {
  const { catalogue, classify } = useCaseOf(host);
  const app = new Hono();
  app.use(requestId, log(host));
  const refuse = (error: unknown, c: Context) => foreignError(c.req.path, problemOf(error)) ?? problem(error, c);
  app.onError(refuse);
  app.notFound((c) =>
    refuse(
      new ServiceError(
        'route-unknown',
        `Nothing answers at ${c.req.path}.`,
        'POST an image to /classify/{model}; GET /models says which there are.',
      ),
      c,
    ),
  );
  classifyRoute(app, classify, problemOf);
  modelRoutes(app, catalogue);
  healthRoutes(app, catalogue);
  tensorFlowServingRoutes(app, catalogue, classify);
  openInferenceRoutes(app, catalogue, classify);
  huggingFaceRoute(app, catalogue, classify);
  if (host.page) demoRoutes(app, host.page);
  return app;
}

/** What runs in an isolate of its own: input tensors in, scores out, for the Worker above alone. */
export function createTensorApp(host: Host): Hono {
  const app = new Hono();
  app.use(requestId, log(host));
  app.onError(refusal);
  tensorRoute(app, useCaseOf(host).classify);
  return app;
}

function useCaseOf(host: Host): { catalogue: Catalogue; classify: Classify } {
  const budget = new MemoryBudget(host.memoryBytes);
  const catalogue = new Catalogue(host.models);
  const models = placed(new Residents(host.models, host.modules, budget), host.isolated);
  return { catalogue, classify: new Classify({ catalogue, models, codecs: host.modules, budget }) };
}
