import { z } from 'zod';
import { certaintySchema } from './certainty.ts';
import { uploadSchema } from './upload.ts';

/** What stands in `models/<id>/manifest.json`. Written by `training/publish`, validated here on every load. */

/** Bump on every change that an older Worker would misread. */
export const MANIFEST_FORMAT = 1;
/** Static assets may be 25 MiB; shards stay well below, so that one can be hashed and placed in bounded memory. */
export const MAX_SHARD_BYTES = 8 * 1024 * 1024;

const finite = z.number().refine(Number.isFinite);
const count = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const modelIdSchema = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9.-]{0,62}$/,
    'a model id is 1 to 63 of a-z, 0-9, "-" and ".", beginning with a letter or digit',
  );

/**
 * How an upright picture becomes the model's input.
 * - `fashion`: the preparation published with Fashion-MNIST (`image/fashion.ts`), grey 28x28.
 * - `stretch`: to exactly width x height. - `shorter-side`: the shorter side to `size`, aspect kept.
 * Either is followed by a centre crop to the input's size.
 */
export const resizeSchema = z.discriminatedUnion('rule', [
  z.strictObject({ rule: z.literal('fashion') }),
  z.strictObject({
    rule: z.literal('stretch'),
    width: z.int().positive().max(2048),
    height: z.int().positive().max(2048),
    filter: z.enum(['nearest', 'bilinear', 'bicubic', 'area']),
  }),
  z.strictObject({
    rule: z.literal('shorter-side'),
    size: z.int().positive().max(2048),
    filter: z.enum(['nearest', 'bilinear', 'bicubic', 'area']),
  }),
]);

export const inputSchema = z
  .strictObject({
    width: z.int().positive().max(1024),
    height: z.int().positive().max(1024),
    /** Order of the channels in the tensor. */
    channels: z.enum(['grey', 'rgb', 'bgr']),
    resize: resizeSchema,
    /** value = pixel · scale + offset; one number, or one a channel in the tensor's order. */
    scale: z.array(finite).min(1).max(3),
    offset: z.array(finite).min(1).max(3),
  })
  .refine(
    ({ width, height, resize }) => cropFits(width, height, resize),
    'the crop is larger than what it is cut from',
  );

/** Whether a centre crop of `width` x `height` can be cut from what the rule makes. */
function cropFits(width: number, height: number, resize: z.infer<typeof resizeSchema>): boolean {
  switch (resize.rule) {
    case 'fashion':
      return width === 28 && height === 28;
    case 'stretch':
      return resize.width >= width && resize.height >= height;
    case 'shorter-side':
      return resize.size >= Math.max(width, height);
    default:
      return resize satisfies never;
  }
}

const accuracySchema = z.strictObject({ top1: finite.min(0).max(1), top5: finite.min(0).max(1).optional() });

export const fileSchema = z.strictObject({
  path: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$/, 'a file of the model folder itself'),
  role: z.enum(['topology', 'program', 'weights', 'labels', 'taxonomy', 'prototypes', 'card']),
  bytes: z.int().positive().max(MAX_SHARD_BYTES),
  sha256,
});

export const manifestSchema = z.strictObject({
  format: z.literal(MANIFEST_FORMAT),
  id: modelIdSchema,
  /** sha256 over the hashes of all files and the temperature: what answers alike has the same version everywhere. */
  version: sha256,
  /** For addresses that take digits only; goes up with each publication. */
  revision: z.int().positive(),
  title: z.string().min(1).max(200),
  runtime: z.enum(['tfjs', 'int8']),
  /** `multilabel`: classes do not exclude each other, a picture has any number of them. */
  task: z.enum(['image-classification', 'multilabel']),
  parameters: count,
  /** Multiplications of one classification. */
  macs: count.optional(),
  /** How it is best explained: `cam` where it has class activation maps (`runtime/classifier.ts`). */
  explanation: z.enum(['cam', 'occlusion']).optional(),
  /** Length of the vector that its last dense layer reads, where it ends in one behind others. */
  embedding: z.strictObject({ dims: z.int().positive().max(1_000_000) }).optional(),
  classes: z.int().positive().max(100_000),
  input: inputSchema,
  output: z.strictObject({
    kind: z.enum(['logits', 'softmax']),
    temperature: finite.positive(),
    /** Of `multilabel`, one a class: the least sigmoid of its logit at which the class is named. */
    thresholds: z.array(finite.min(0).max(1)).min(1).optional(),
  }),
  files: z.array(fileSchema).min(1).max(64),
  /** Bytes while loaded. */
  memory: z.strictObject({ weights: count, arena: count, total: count }),
  metrics: z
    .strictObject({
      dataset: z.string().min(1),
      n: count,
      top1: finite.min(0).max(1),
      top5: finite.min(0).max(1).optional(),
      /** Expected calibration error of the scores at the manifest's temperature, 15 bins. */
      calibrationError: finite.min(0).max(1).optional(),
      /** The same figures of the float network that this one was compiled from. */
      float: accuracySchema.optional(),
      /** Share of held-out images on which integer and float agree on the first class. */
      agreement: finite.min(0).max(1).optional(),
    })
    .optional(),
  certainty: certaintySchema.optional(),
  upload: uploadSchema.optional(),
  provenance: z.strictObject({
    source: z.string(),
    licence: z.string(),
    command: z.string(),
    seed: z.int().optional(),
  }),
});

/** What no form of the parts alone says. @returns what is wrong; undefined where nothing is */
export function taskFault({ task, classes, output }: z.infer<typeof manifestSchema>): string | undefined {
  const { kind, temperature, thresholds } = output;
  if (task !== 'multilabel') return thresholds && 'has thresholds of classes, and its task is not multilabel';
  if (kind !== 'logits' || temperature !== 1) return 'is of task multilabel, which takes logits at a temperature of 1';
  if (thresholds?.length === classes) return undefined;
  return `has ${thresholds?.length ?? 0} thresholds for ${classes} classes`;
}

export type Manifest = z.infer<typeof manifestSchema> & {
  /** Where its files are, if not in the folder of its id (`versions.ts`); known when it is read, never written. */
  readonly folder?: string;
};
export type ModelInput = z.infer<typeof inputSchema>;
export type ModelFile = z.infer<typeof fileSchema>;

/** One class in `labels.json`, an array with `classes` entries in the order of the output. */
export const labelSchema = z.strictObject({ label: z.string().min(1), synset: z.string().optional() });
export const labelsSchema = z.array(labelSchema).min(1);
export type Label = z.infer<typeof labelSchema>;
