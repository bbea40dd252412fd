import { expect, it } from 'vitest';
import { laidOut, putPictures, type Source, takenPictures } from '../../../functions/jobs/pictures.ts';
import { bucket } from './job-service.ts';

const filled = (bytes: number, value: number) => new Uint8Array(bytes).fill(value);

/** What an order with these came to, by the position of each. */
async function stored(job: string, pictures: readonly Uint8Array<ArrayBuffer>[]) {
  const sizes = pictures.map((picture, i) => ({ hash: String(i), bytes: picture.length }));
  const { spans, totalBytes } = laidOut(sizes);
  await putPictures(
    bucket,
    job,
    totalBytes,
    pictures.map((picture) => () => picture),
  );
  return Array.from(spans.values(), (span): { source: Source } => ({ source: { ...span, url: null } }));
}

async function taken(job: string, pictures: readonly { source: Source }[]) {
  const all: Uint8Array[] = [];
  for await (const [, bytes] of takenPictures(bucket, job, pictures, async (url) => filled(1, url.length)))
    all.push(await bytes());
  return all;
}

it('gives back each picture, small ones together, large ones alone, and those at addresses between them', async () => {
  const pictures = [filled(10, 1), filled(600_000, 2), filled(600_000, 3), filled(2_500_000, 4), filled(7, 5)];
  const rows = await stored('job_pictures', pictures);
  const mixed = rows.toSpliced(2, 0, { source: { url: 'https://a' } });
  expect(await taken('job_pictures', mixed)).toEqual(pictures.toSpliced(2, 0, filled(1, 9)));
  // Those that are left when the job goes on.
  expect(await taken('job_pictures', [...rows.slice(0, 1), ...rows.slice(3)])).toEqual([
    ...pictures.slice(0, 1),
    ...pictures.slice(3),
  ]);
});

it('fails picture by picture where the object is not there', async () => {
  const [row] = await stored('job_other', [filled(3, 1)]);
  const gone = taken('job_gone', [row as { source: Source }]);
  await expect(gone).rejects.toThrow(/jobs\/job_gone\/pictures is not in the bucket/);
});
