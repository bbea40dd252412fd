/**
 * npm run replay -- --receipt FILE --image FILE [--keys URL|FILE] [--models DIR]
 *
 * Computes again what a receipt states: the picture's hash, the network's scores, bit for bit, by the model of that version
 * under --models (models/). --keys is the service's /receipts/keys, or what it answered; without it the signature is
 * not looked at. The receipt's file may be the whole answer.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { decodeJwt } from 'jose';
import { manifestSchema } from '../functions/catalogue/manifest.ts';
import { ServiceError } from '../functions/errors.ts';
import { keySetSchema, type Statement, statementSchema, verifiedStatement } from '../functions/receipts/receipts.ts';
import { DataError } from './data/errors.ts';
import { preparer } from './data/prepare.ts';
import { loadServedModel } from './evaluate/served-model.ts';
import { runCommand } from './terminal/command.ts';

export interface ReplayOptions {
  readonly receipt: string;
  readonly image: string;
  readonly keys?: string | undefined;
  readonly models?: string | undefined;
}

/** What came of it; `agrees` where every bit is the same. */
export interface Replay {
  readonly statement: Statement;
  readonly signed: boolean;
  readonly samePicture: boolean;
  readonly sameScores: boolean;
  readonly agrees: boolean;
}

/** @throws DataError, ServiceError where the receipt does not hold, or the model is not here */
export async function replay({ receipt: file, image, keys, models = 'models' }: ReplayOptions): Promise<Replay> {
  const receipt = receiptIn(await text(file));
  const statement = keys === undefined ? unsigned(receipt) : await verifiedStatement(receipt, await keySet(keys));
  const bytes = await readFile(image).catch(() => {
    throw new DataError(`${image} cannot be read.`);
  });
  const samePicture = sha256(bytes) === statement.picture;
  const { manifest, classifier } = await loadServedModel(await folderOf(statement.model, models));
  const pixels = await preparer(manifest.input)(bytes);
  const scores = await classifier.classify(pixels, 1);
  const sameScores = sha256(new Uint8Array(scores.buffer, scores.byteOffset, scores.byteLength)) === statement.scores;
  return { statement, signed: keys !== undefined, samePicture, sameScores, agrees: samePicture && sameScores };
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const text = (file: string) =>
  readFile(file, 'utf8').catch(() => {
    throw new DataError(`${file} cannot be read.`);
  });

/** The receipt itself, or an answer that has one. */
function receiptIn(content: string): string {
  const trimmed = content.trim();
  if (!trimmed.startsWith('{')) return trimmed;
  try {
    const { receipt } = JSON.parse(trimmed) as { receipt?: unknown };
    if (typeof receipt === 'string') return receipt;
  } catch {
    // Said below.
  }
  throw new DataError('The file is neither a receipt nor an answer with one: ask with receipt=1.');
}

function unsigned(receipt: string): Statement {
  try {
    return statementSchema.parse(decodeJwt(receipt));
  } catch (error) {
    throw new DataError('The receipt is damaged.', { cause: error });
  }
}

async function keySet(from: string) {
  const content = /^https?:/.test(from) ? await (await fetch(from)).text() : await text(from);
  const parsed = keySetSchema.safeParse(JSON.parse(content));
  if (parsed.success) return parsed.data;
  throw new DataError(`${from} is no set of keys, as GET /receipts/keys answers it.`);
}

/** The model in that version, also where it is one that is kept. */
async function folderOf({ id, version }: Statement['model'], models: string): Promise<string> {
  const names = (await readdir(models).catch(() => [])).filter((name) => name === id || name.startsWith(`${id}@`));
  for (const name of names) {
    const manifest = manifestSchema.safeParse(JSON.parse(await text(path.join(models, name, 'manifest.json'))));
    if (manifest.success && manifest.data.version === version) return path.join(models, name);
  }
  throw new DataError(`${models} has no "${id}" of version ${version.slice(0, 16)}….`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      receipt: { type: 'string', default: '' },
      image: { type: 'string', default: '' },
      keys: { type: 'string' },
      models: { type: 'string' },
    },
  });
  if (values.receipt === '' || values.image === '') throw new DataError('Say which: --receipt FILE --image FILE.');
  const { statement, signed, samePicture, sameScores, agrees } = await replay(values);
  const { model, iat } = statement;
  console.log(`${model.id} revision ${model.revision}, ${new Date(1000 * iat).toISOString()}`);
  console.log(`signature  ${signed ? 'holds' : 'not looked at: say --keys'}`);
  console.log(`picture    ${samePicture ? 'is the same' : 'is another one'}`);
  console.log(`scores     ${sameScores ? 'are the same, bit for bit' : 'are others'}`);
  if (!agrees) process.exitCode = 1;
}

if (process.argv[1] === import.meta.filename) await runCommand(main, [DataError, ServiceError]);
