import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const FOLDER = path.join(import.meta.dirname, '../../build/fuzz');

export class FuzzError extends Error {}

/** Keeps a file that broke a promise. @returns where, from the root of the repository */
export function keep(file: Uint8Array, format: string): string {
  mkdirSync(FOLDER, { recursive: true });
  const name = `${createHash('sha256').update(file).digest('hex').slice(0, 12)}.${format}`;
  writeFileSync(path.join(FOLDER, name), file);
  return `build/fuzz/${name}`;
}
