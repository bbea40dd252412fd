import { z } from 'zod';

/** What a classification answers, on the native route. */
export const predictionSchema = z
  .object({
    /** ImageNet's language-neutral name of the class, where it has one. */
    synset: z.string().optional(),
    label: z.string(),
    /** Position in the model's output. */
    index: z.int().nonnegative(),
    /** Probability, 0…1; of a multi-label model that of this class alone. */
    score: z.number(),
  })
  .meta({ id: 'Prediction' });
export type Prediction = z.infer<typeof predictionSchema>;

/** `cam`: class activation map. `occlusion`: what the class loses where the picture is covered. */
export const explainMethodSchema = z.enum(['cam', 'occlusion']);
export type ExplainMethod = z.infer<typeof explainMethodSchema>;

const size = { width: z.number(), height: z.number() };

/** Where in the picture the first class is seen. All places are in pixels of the upright picture. */
export const explanationSchema = z
  .object({
    method: explainMethodSchema,
    class: predictionSchema,
    /** The upright picture. */
    picture: z.object(size),
    /** What the model was given of it; it may reach beyond the picture, where background was added. */
    seen: z.object({ left: z.number(), top: z.number(), ...size }),
    hottest: z.object({ x: z.int(), y: z.int() }),
    /**
     * The heat, translucent, in base64: to be laid over the upright picture and scaled to its size. From dark to bright
     * it is more; grey and hatched is what the model does not see.
     */
    image: z.object({ width: z.int(), height: z.int(), png: z.string() }),
  })
  .meta({ id: 'Explanation' });
export type Explanation = z.infer<typeof explanationSchema>;

const modelSchema = z.object({ id: z.string(), version: z.string(), revision: z.int() });

/** Classes that belong together. */
export const groupScoreSchema = z
  .object({
    synset: z.string().optional(),
    label: z.string(),
    /** Sum of the scores of its classes. */
    score: z.number(),
    of: z.array(predictionSchema).meta({ description: 'Its classes, highest score first, top_k of them at most.' }),
    within: z.array(z.string()).meta({ description: 'The groups that it is a part of, nearest first.' }),
  })
  .meta({ id: 'GroupScore' });
export type GroupScore = z.infer<typeof groupScoreSchema>;

/** What is said of one picture. */
const saidSchema = z.object({
  predictions: z.array(predictionSchema).meta({
    description:
      'Highest score first. Of a multi-label model every class that reaches its threshold, which may be none; scores need not sum to 1.',
  }),
  groups: z
    .array(groupScoreSchema)
    .optional()
    .meta({ description: 'With rollup: first the group whose own classes, those of no narrower group, hold most.' }),
  label_set: z
    .object({ coverage: z.number(), labels: z.array(predictionSchema) })
    .optional()
    .meta({ description: 'With coverage: the smallest set that holds the true label so often.' }),
  near_tie: z.boolean().nullable().meta({
    description:
      'Whether the first two are so near that the integers of the network may have exchanged them. null where that was not measured.',
  }),
  cascade: z
    .object({ id: z.string(), answered_by: z.enum(['first', 'second']) })
    .optional()
    .meta({ description: 'Where two networks answer together: which of them did.' }),
  unknown: z.object({ score: z.number(), is_unknown: z.boolean() }).nullable().meta({
    description: 'Whether no class fits: the higher the score, the stranger. null where it was not calibrated.',
  }),
});

export const answerSchema = saidSchema
  .extend({
    model: modelSchema,
    head: z
      .object({ id: z.string(), version: z.string() })
      .optional()
      .meta({ description: 'Where classes of a head were asked for.' }),
    receipt: z.string().optional().meta({
      description: 'With receipt: a JWS over model version, picture and scores (GET /receipts/keys; npm run replay).',
    }),
    /** Where it was asked for. */
    explanation: explanationSchema.optional(),
  })
  .meta({ id: 'Answer' });
export type Answer = z.infer<typeof answerSchema>;

/** Why one picture of several was not answered. */
export const refusedSchema = z.object({
  status: z.int(),
  error: z.object({ type: z.string(), title: z.string(), detail: z.string() }),
});

/** What became of one picture of several. */
export const resultSchema = z
  .union([z.object({ status: z.literal(200) }).extend(saidSchema.shape), refusedSchema])
  .meta({ id: 'Result' });

/** Several pictures: one result each, in their order. */
export const answersSchema = z.object({ results: z.array(resultSchema), model: modelSchema }).meta({ id: 'Answers' });
export type Answers = z.infer<typeof answersSchema>;
