import { OpenAPIHono } from '@hono/zod-openapi';
import { embedPaths } from './embed.ts';
import { headsPaths } from './heads-paths.ts';
import { hooksPaths } from './hooks-paths.ts';
import { huggingFacePaths } from './hugging-face.ts';
import { featurePaths } from './hugging-face-features.ts';
import { jobsPaths } from './jobs-paths.ts';
import { nativePaths } from './native-paths.ts';
import { openInferencePaths } from './open-inference/paths.ts';
import { receiptsPaths } from './receipts.ts';
import { servingPaths } from './tensorflow-serving/paths.ts';

export type OpenApi = ReturnType<OpenAPIHono['getOpenAPI31Document']>;

/** The service in OpenAPI 3.1, from the schemas that its routes validate with. */
export function openApiDocument(): OpenApi {
  const described = new OpenAPIHono();
  const own = [...nativePaths, ...receiptsPaths, ...embedPaths, ...headsPaths, ...jobsPaths, ...hooksPaths];
  for (const path of [...own, ...huggingFacePaths, ...featurePaths, ...servingPaths, ...openInferencePaths]) {
    described.openAPIRegistry.registerPath(path);
  }
  described.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description: 'A key, a token of POST /tokens, or a JWT of the identity provider.',
  });
  described.openAPIRegistry.registerComponent('securitySchemes', 'key', {
    type: 'apiKey',
    in: 'header',
    name: 'x-api-key',
  });
  const { webhooks: _, ...document } = described.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Edge classifier',
      version: '1.0.0',
      description: 'Images in over HTTPS, labels out.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    // Where access is off, nothing is needed.
    security: [{}, { bearer: [] }, { key: [] }],
    servers: [{ url: '/', description: 'Where this document comes from.' }],
    tags: [
      { name: 'Classify', description: 'The route of our own.' },
      { name: 'Embeddings', description: 'Pictures as vectors, for search and for classes of your own.' },
      { name: 'Heads', description: 'Classes of your own, from a few pictures.' },
      { name: 'Models' },
      { name: 'Jobs', description: 'Pictures that are classified later.' },
      { name: 'Webhooks', description: 'Events of other systems that become jobs.' },
      { name: 'Access', description: 'For callers with a key.' },
      { name: 'Health' },
      {
        name: 'Hugging Face',
        description: 'For @huggingface/inference and huggingface_hub: set the endpoint to the model.',
      },
      { name: 'TensorFlow Serving', description: 'Its REST API.' },
      {
        name: 'Open Inference Protocol',
        description: "Version 2, as KServe and Triton speak it, with Triton's extensions.",
      },
    ],
  });
  return document;
}
