import { z } from 'zod';

/** How small a photo may be sent with (nearly) no other answer, as it was measured: a part of a model's manifest. */

const share = z.number().min(0).max(1);
const side = z.int().positive().max(20_000);
const bytes = z.int().positive();

/** What browsers encode by themselves, and this service reads. */
const FORMATS = ['image/jpeg', 'image/webp'] as const;

export const uploadSchema = z.strictObject({
  /** The first class had to stay that of full size for this share of the pictures. */
  goal: share,
  /** The smallest longest edge, pixels, that reached it; null where none of those tried did. */
  longestEdge: side.nullable(),
  /** Of the encoder, as a canvas takes it; of the best one where none was good enough. */
  quality: share,
  formats: z.array(z.enum(FORMATS)).min(1),
  /** Of the files at that edge and quality: the middle one, and the largest. */
  typicalBytes: bytes,
  maxBytes: bytes,
  /** What was reached; where the goal was not, by the largest edge and best quality tried. */
  agreement: share,
  images: z.int().positive(),
  /** Pictures that were enlarged to the size of a photo first: they have no finer detail than before. */
  enlarged: z.int().nonnegative(),
  /** Longest edges tried, pixels. */
  tried: z.array(side).min(1).max(50),
  dataset: z.string().min(1),
});
export type Upload = z.infer<typeof uploadSchema>;
