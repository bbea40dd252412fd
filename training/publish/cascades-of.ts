import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { type Cascade, cascadeSchema } from '../../functions/catalogue/cascade.ts';

/**
 * The cascades that a model is a network of, by `cascades.json` beside its folder.
 * @throws Error naming the file where that is malformed
 */
export async function cascadesOf(dir: string, id: string): Promise<Readonly<Record<string, Cascade>>> {
  const file = path.join(path.dirname(dir), 'cascades.json');
  const text = await readFile(file, 'utf8').catch(() => '{}');
  const lines = z.record(z.string(), cascadeSchema).safeParse(JSON.parse(text));
  if (!lines.success) throw new Error(`${file}: ${z.prettifyError(lines.error)}`);
  return Object.fromEntries(Object.entries(lines.data).filter(([, { first, second }]) => [first, second].includes(id)));
}
