import { z } from 'zod';

/**
 * Open Inference Protocol 2 (kserve/open-inference-protocol, inference_rest.md) and what Triton adds to it. As there,
 * fields that nobody knows are let pass.
 */

export const INPUT = 'input';
export const OUTPUT = 'scores';

const parameter = z.union([z.string(), z.number(), z.boolean()]);
const parameters = z.record(z.string(), parameter);

export const inferInputSchema = z
  .object({
    name: z.string(),
    shape: z.array(z.int().nonnegative()).min(1).max(8),
    datatype: z.string().meta({ description: 'FP32, already normalised, or BYTES: pictures.' }),
    parameters: parameters.optional(),
    data: z.unknown().optional().meta({
      description: 'FP32: numbers, flat or nested, row-major. BYTES: pictures in base64. Absent with binary_data_size.',
    }),
  })
  .meta({ id: 'InferInput' });

export const inferOutputRequestSchema = z
  .object({ name: z.string(), parameters: parameters.optional() })
  .meta({ id: 'InferRequestedOutput' });

export const inferRequestSchema = z
  .object({
    id: z.string().max(1000).optional(),
    parameters: parameters.optional(),
    inputs: z.array(inferInputSchema).min(1).max(16),
    outputs: z.array(inferOutputRequestSchema).max(16).optional(),
  })
  .meta({ id: 'InferRequest' });
export type InferRequest = z.infer<typeof inferRequestSchema>;
export type InferInput = z.infer<typeof inferInputSchema>;

/** What is known of a parameter by its name; those not named here are a client's own. */
export const outputParametersSchema = z.looseObject({
  classification: z.int().min(1).max(100_000).optional(),
  binary_data: z.boolean().optional(),
});

export const inferResponseSchema = z
  .object({
    model_name: z.string(),
    model_version: z.string(),
    id: z.string().optional(),
    outputs: z.array(
      z.object({
        name: z.string(),
        datatype: z.enum(['FP32', 'BYTES']),
        shape: z.array(z.int()),
        parameters: z.object({ binary_data_size: z.int() }).optional(),
        data: z
          .union([z.array(z.number()), z.array(z.string())])
          .optional()
          .meta({ description: 'Absent where it follows the JSON in binary.' }),
      }),
    ),
  })
  .meta({ id: 'InferResponse' });
export type InferResponse = z.infer<typeof inferResponseSchema>;

export const serverSchema = z
  .object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) })
  .meta({ id: 'ServerMetadata' });

const tensor = z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) });

export const modelSchema = z
  .object({
    name: z.string(),
    versions: z.array(z.string()),
    platform: z.string(),
    inputs: z.array(tensor),
    outputs: z.array(tensor),
  })
  .meta({ id: 'OpenModelMetadata' });
export type ModelMetadata = z.infer<typeof modelSchema>;

export const configSchema = z
  .object({
    name: z.string(),
    platform: z.string(),
    max_batch_size: z.int(),
    version_policy: z.object({ latest: z.object({ num_versions: z.int() }) }),
    input: z.array(z.object({ name: z.string(), data_type: z.string(), format: z.string(), dims: z.array(z.int()) })),
    output: z.array(
      z.object({ name: z.string(), data_type: z.string(), dims: z.array(z.int()), label_filename: z.string() }),
    ),
  })
  .meta({ id: 'ModelConfig' });
export type ModelConfig = z.infer<typeof configSchema>;

const duration = z.object({ count: z.int(), ns: z.int() });

export const statsSchema = z
  .object({
    model_stats: z.array(
      z.object({
        name: z.string(),
        version: z.string(),
        last_inference: z.int(),
        inference_count: z.int(),
        execution_count: z.int(),
        inference_stats: z.record(z.string(), duration),
        batch_stats: z.array(z.unknown()),
      }),
    ),
  })
  .meta({
    id: 'ModelStatistics',
    description: 'Since this isolate started, and of this protocol only. Times are 0: no clock runs while it computes.',
  });

export const indexRequestSchema = z.strictObject({ ready: z.boolean().optional() }).meta({ id: 'IndexRequest' });

export const indexSchema = z
  .array(
    z.object({ name: z.string(), version: z.string(), state: z.enum(['READY', 'UNAVAILABLE']), reason: z.string() }),
  )
  .meta({ id: 'RepositoryIndex' });
export type RepositoryIndex = z.infer<typeof indexSchema>;

export const liveSchema = z.object({ live: z.boolean() }).meta({ id: 'Live' });
export const readySchema = z.object({ name: z.string(), ready: z.boolean() }).meta({ id: 'ModelReady' });
export const openErrorSchema = z.object({ error: z.string() }).meta({ id: 'OpenInferenceError' });
