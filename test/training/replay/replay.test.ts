import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Receipts } from '../../../functions/receipts/receipts.ts';
import { preparer } from '../../../training/data/prepare.ts';
import { loadServedModel } from '../../../training/evaluate/served-model.ts';
import { replay } from '../../../training/replay.ts';

const models = path.join(import.meta.dirname, '../../../models');
const image = path.join(import.meta.dirname, '../../fixtures/fashion/9-0000.png');
const other = path.join(import.meta.dirname, '../../fixtures/fashion/9-0023.png');
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let folder: string;
const file = (name: string) => path.join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'replay-'));
  const { manifest, classifier } = await loadServedModel(path.join(models, 'fashion-mlp'));
  const bytes = await readFile(image);
  const scores = await classifier.classify(await preparer(manifest.input)(bytes), 1);
  const { id, version, revision, runtime } = manifest;
  const statement = {
    model: { id, version, revision, runtime },
    picture: sha256(bytes),
    scores: sha256(new Uint8Array(scores.buffer, scores.byteOffset, scores.byteLength)),
  };
  const receipts = new Receipts({ secret: 'a secret' });
  await writeFile(file('keys.json'), JSON.stringify(await receipts.keySet()));
  const receipt = await receipts.sign(statement);
  await writeFile(file('receipt'), `${receipt}\n`);
  await writeFile(file('answer.json'), JSON.stringify({ predictions: [], receipt }));
  const at = receipt.indexOf('.') + 20;
  await writeFile(file('altered'), receipt.slice(0, at) + (receipt[at] === 'A' ? 'B' : 'A') + receipt.slice(at + 1));
  await writeFile(file('false'), await receipts.sign({ ...statement, scores: '0'.repeat(64) }));
  const gone = { ...statement.model, version: '0'.repeat(64) };
  await writeFile(file('gone'), await receipts.sign({ ...statement, model: gone }));
});
afterAll(() => rm(folder, { recursive: true }));

describe('replay', () => {
  it.each(['receipt', 'answer.json'])('computes the same bits again, from %s', async (name) => {
    const result = await replay({ receipt: file(name), image, keys: file('keys.json'), models });
    expect(result).toMatchObject({ signed: true, samePicture: true, sameScores: true, agrees: true });
    expect((await replay({ receipt: file(name), image, models })).signed).toBe(false);
  });

  it('sees another picture, and scores that the network does not give', async () => {
    const keys = file('keys.json');
    expect(await replay({ receipt: file('receipt'), image: other, keys, models })).toMatchObject({
      ...{ samePicture: false, sameScores: false, agrees: false },
    });
    expect(await replay({ receipt: file('false'), image, keys, models })).toMatchObject({
      ...{ samePicture: true, sameScores: false, agrees: false },
    });
  });

  it('refuses what does not hold, is not there, or is not here', async () => {
    const keys = file('keys.json');
    await expect(replay({ receipt: file('altered'), image, keys, models })).rejects.toThrow(/does not hold/);
    await expect(replay({ receipt: file('gone'), image, keys, models })).rejects.toThrow(/no "fashion-mlp" of version/);
    await expect(replay({ receipt: file('nothing'), image, keys, models })).rejects.toThrow(/cannot be read/);
    await expect(replay({ receipt: file('keys.json'), image, models })).rejects.toThrow(/neither a receipt nor/);
    await expect(replay({ receipt: file('receipt'), image, keys: file('answer.json'), models })).rejects.toThrow(
      /no set of keys/,
    );
  });
});
