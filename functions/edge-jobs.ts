import type { Host } from './host.ts';
import type { WakeUp } from './jobs/job.ts';

/** Where jobs are kept and what wakes them; without them there are none. */
export interface JobsEnv {
  readonly DB?: D1Database;
  readonly JOB_IMAGES?: R2Bucket;
  readonly JOBS?: Queue<WakeUp>;
}

export const edgeJobs = ({ DB, JOB_IMAGES, JOBS }: JobsEnv): Pick<Host, 'jobs'> =>
  DB && JOB_IMAGES && JOBS ? { jobs: { database: DB, bucket: JOB_IMAGES, queue: JOBS } } : {};

/** Classes of callers' own are in the same database. */
export const edgeHeads = ({ DB }: JobsEnv): Pick<Host, 'heads'> => (DB ? { heads: { database: DB } } : {});
