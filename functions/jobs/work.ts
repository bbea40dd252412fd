import type { Classify } from '../classify/classify.ts';
import { type Problem, ServiceError } from '../errors.ts';
import { fetchImage, type UrlRules } from '../input/fetch-url.ts';
import { MAX_IMAGE_BYTES } from '../input/images.ts';
import { type JobError, randomId, type WakeUp } from './job.ts';
import { takenPictures } from './pictures.ts';
import type { ImageRow, JobStore, Leased, Outcome } from './store.ts';

/** Results are written in groups: a statement each would take longer than the small models. */
const GROUP = 25;
const GROUP_MS = 5_000;
/** After this time others have their turn. */
const SLICE_MS = 120_000;
const FETCH_MS = 10_000;
/** Of one picture that meets what may pass. */
const MAX_ATTEMPTS = 5;
/** Leases without a picture written: whoever works on it does not survive. */
const MAX_LEASES = 10;
const RETRY_MS = 3_000;

interface Parts {
  readonly store: JobStore;
  readonly bucket: R2Bucket;
  readonly classify: Classify;
  readonly problemOf: (error: unknown) => Problem;
  readonly rulesOf: (owner: string) => Promise<UrlRules>;
}

/** Classifies the pictures of a job. However often it is called for one, and by however many, each counts once. */
export async function work(id: string, parts: Parts): Promise<{ next: WakeUp | undefined; waitMs: number }> {
  const { store } = parts;
  const lease = randomId('lease');
  const job = await store.lease(id, lease);
  if (!job) return { next: undefined, waitMs: 0 };
  const rules = await parts.rulesOf(job.owner);
  const began = Date.now();
  let since = began;
  let outcomes: Outcome[] = [];
  let waitMs = 0;
  const images = await store.queuedImages(id);
  for await (const [image, bytes] of takenPictures(parts.bucket, id, images, (url) => fetched(url, rules))) {
    const outcome = job.attempts > MAX_LEASES ? lost(image) : await outcomeOf(job, image, bytes, parts);
    if (outcome.state === 'again') waitMs = RETRY_MS * 2 ** image.attempts;
    outcomes.push(outcome);
    if (outcomes.length < GROUP && Date.now() - since < GROUP_MS) continue;
    if (!(await store.write(id, lease, outcomes))) return { next: undefined, waitMs: 0 };
    outcomes = [];
    since = Date.now();
    if (since - began > SLICE_MS) break;
  }
  if (outcomes.length > 0 && !(await store.write(id, lease, outcomes))) return { next: undefined, waitMs: 0 };
  return { next: await store.settle(id, lease, randomId('msg'), Date.now() + waitMs), waitMs };
}

async function outcomeOf(
  { model, top_k: topK }: Leased,
  { position, attempts }: ImageRow,
  bytesOf: () => Promise<Uint8Array<ArrayBuffer>>,
  { classify, problemOf }: Parts,
): Promise<Outcome> {
  try {
    const bytes = await bytesOf();
    const options = { topK: topK ?? undefined, minScore: undefined, explain: undefined };
    const { predictions } = await classify.image(model, bytes, options);
    return { position, state: 'succeeded', result: { predictions } };
  } catch (error) {
    const passing = !(error instanceof ServiceError) || error.retryAfterSeconds !== undefined;
    if (passing && attempts + 1 < MAX_ATTEMPTS) return { position, state: 'again' };
    const { type, title, detail } = problemOf(error);
    return failed(position, { type: `/problems#${type}`, title, detail });
  }
}

const fetched = (url: string, rules: UrlRules) =>
  fetchImage(url, rules, { bytes: MAX_IMAGE_BYTES, milliseconds: FETCH_MS });

const failed = (position: number, error: JobError): Outcome => ({ position, state: 'failed', result: { error } });

const lost = ({ position }: ImageRow): Outcome =>
  failed(position, {
    type: '/problems#internal',
    title: 'Something went wrong here',
    detail: `It was begun ${MAX_LEASES} times, and never came to an end.`,
  });
