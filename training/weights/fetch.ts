import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { downloadFirst, NoSpaceError } from '../data/download.ts';
import { DataError } from '../data/errors.ts';
import type { OfficialHash, OfficialWeights } from './official.ts';

/** Filled by downloads; not in git. */
export const WEIGHTS_CACHE = '.cache/weights';

/** Where nobody states a size. */
const MAX_BYTES = 2 ** 30;

/**
 * The official file in `folder`, downloaded where it is not there yet.
 * @param say told what is known of the file's origin
 * @throws DataError where no address gives it, its hash is another, or the disk is full
 */
export async function fetchWeights(
  official: OfficialWeights,
  folder: string,
  say: (text: string) => void,
): Promise<string> {
  const target = path.join(folder, official.file);
  if (existsSync(target)) {
    const difference = await differs(target, official);
    if (!difference) return target;
    say(`${target} is not the official file: ${difference} It is kept as ${target}.rejected, and downloaded again.`);
    await rename(target, `${target}.rejected`);
  }
  try {
    await downloadFirst(official.addresses, target, {
      accept: (part) => mustBeOfficial(part, official),
      maxBytes: official.bytes ?? MAX_BYTES,
    });
  } catch (error) {
    if (error instanceof NoSpaceError || !(error instanceof DataError)) throw error;
    throw new DataError(
      `${error.message}\n${official.file} cannot be downloaded. Nothing was installed. ` +
        `Where you have the file: put it into ${folder}, or give it by --from FILE.`,
    );
  }
  say(await origin(target, official));
  return target;
}

/** Whether the bytes are those of the official file, by the hash that is stated for it. */
export async function isOfficial(file: string, { hash }: OfficialWeights): Promise<boolean> {
  return hash !== null && (await hashOf(file, hash.algorithm)) === hash.value;
}

async function mustBeOfficial(part: string, official: OfficialWeights): Promise<void> {
  const difference = await differs(part, official);
  if (difference) throw new DataError(`${difference} The file was removed.`);
}

/** @returns how the file differs from the official one, or null where it does not or nothing is stated */
async function differs(file: string, { hash }: OfficialWeights): Promise<string | null> {
  if (hash === null) return null;
  const seen = await hashOf(file, hash.algorithm);
  return seen === hash.value ? null : `its ${hash.algorithm} is ${seen}, and ${described(hash)} is ${hash.value}.`;
}

async function origin(file: string, { hash }: OfficialWeights): Promise<string> {
  const { size } = await stat(file);
  if (hash?.verified) return `${file}: ${size} bytes, ${hash.algorithm} ${hash.value} as it should be`;
  return hash
    ? `${file}: ${size} bytes, ${hash.algorithm} ${hash.value}, ${described(hash)}`
    : `${file}: ${size} bytes, sha256 ${await hashOf(file, 'sha256')}; unverified, as nobody states a hash of it`;
}

const described = ({ statedBy, verified }: OfficialHash) =>
  verified ? `the one verified for this project` : `the one that ${statedBy} states (unverified: never seen here)`;

export async function hashOf(file: string, algorithm: OfficialHash['algorithm']): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}
