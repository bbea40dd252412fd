import { z } from 'zod';

/** What the tasks of Hugging Face have in common. */

export const hfErrorSchema = z.object({ error: z.string() }).meta({ id: 'HuggingFaceError' });

/** Where the type says nothing of use, the first byte tells: no picture begins with a brace. */
export function isJson(type: string, body: Uint8Array): boolean {
  const says = type !== '' && type !== 'application/x-www-form-urlencoded' && type !== 'application/octet-stream';
  return type === 'application/json' || (!says && body[0] === 0x7b);
}
