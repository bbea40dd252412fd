import { z } from 'zod';
import { MAX_IMAGES } from '../../input/images.ts';

/** TensorFlow Serving's REST API (tensorflow/serving, g3doc/api_rest.md). As there, fields that nobody knows are let pass. */

/** The one input, by the name of the tensor or, as bytes, by that of the picture. */
export const INPUT = 'input';
export const INPUT_BYTES = 'image_bytes';
export const OUTPUT = 'scores';

/** Signatures: they share input and output, and differ in what a client finds described. */
export const SIGNATURES = ['serving_default', 'image_bytes', 'classify'] as const;

const signatureName = z
  .string()
  .optional()
  .meta({ description: `${SIGNATURES.join(', ')}; all take tensors and pictures alike.` });

const values = z.unknown().meta({
  description: 'A picture as {"b64": "…"}, or numbers nested as [height][width][channels], already normalised.',
});

const batch = () => z.array(values).min(1).max(MAX_IMAGES);

export const predictSchema = z
  .object({
    signature_name: signatureName,
    instances: batch().optional().meta({ description: 'Row form: one entry an input.' }),
    inputs: z
      .union([batch(), z.record(z.string(), batch())])
      .optional()
      .meta({ description: `Column form: the batch, or {"${INPUT}": batch}.` }),
  })
  .meta({ id: 'PredictRequest', description: 'Exactly one of "instances" and "inputs".' });

const features = z.record(z.string(), z.unknown());

export const classifySchema = z
  .object({
    signature_name: signatureName,
    context: features.optional().meta({ description: 'Features that all examples share.' }),
    examples: z
      .array(features)
      .min(1)
      .max(MAX_IMAGES)
      .meta({
        description: `Each with a picture under "image" or "${INPUT_BYTES}" ({"b64": "…"}), or "${INPUT}": a flat list of numbers.`,
      }),
  })
  .meta({ id: 'ClassifyRequest' });

export const predictionsSchema = z
  .union([z.object({ predictions: z.array(z.array(z.number())) }), z.object({ outputs: z.array(z.array(z.number())) })])
  .meta({ id: 'PredictResponse', description: '"predictions" for "instances", "outputs" for "inputs".' });

export const resultsSchema = z
  .object({ results: z.array(z.array(z.tuple([z.string(), z.number()]))) })
  .meta({ id: 'ClassifyResponse', description: 'For each example [label, score], highest score first.' });

export const statusSchema = z
  .object({
    model_version_status: z.array(
      z.object({
        version: z.string(),
        state: z.enum(['AVAILABLE']),
        status: z.object({ error_code: z.literal('OK'), error_message: z.literal('') }),
      }),
    ),
  })
  .meta({ id: 'ModelStatus' });
export type Status = z.infer<typeof statusSchema>;

const tensorInfo = z.object({
  dtype: z.string(),
  name: z.string(),
  tensor_shape: z.object({
    dim: z.array(z.object({ size: z.string(), name: z.string() })),
    unknown_rank: z.boolean(),
  }),
});

export const metadataSchema = z
  .object({
    model_spec: z.object({ name: z.string(), signature_name: z.string(), version: z.string() }),
    metadata: z.object({
      signature_def: z.object({
        signature_def: z.record(
          z.string(),
          z.object({
            inputs: z.record(z.string(), tensorInfo),
            outputs: z.record(z.string(), tensorInfo),
            method_name: z.string(),
          }),
        ),
      }),
    }),
  })
  .meta({ id: 'ModelMetadata' });
export type Metadata = z.infer<typeof metadataSchema>;

export const servingErrorSchema = z.object({ error: z.string() }).meta({ id: 'ServingError' });
