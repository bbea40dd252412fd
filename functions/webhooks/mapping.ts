import { z } from 'zod';
import { pointerSchema, valueAt } from './pointer.ts';

/** Of a job. */
const MAX_IMAGES = 100;
const MAX_TEXT = 500;

const scalar = z.union([z.string().max(MAX_TEXT), z.number(), z.boolean()]);

/** Where in a sender's JSON the pictures stand. Every value is a JSON Pointer but for those of `when` and `base`. */
export const mappingSchema = z.strictObject({
  when: z
    .record(pointerSchema, z.array(scalar).min(1))
    .optional()
    .meta({ description: 'Only events that have one of these values there; others are ignored.' }),
  each: pointerSchema
    .optional()
    .meta({ description: 'A list of things with a picture each, or one such thing; the whole event if not given.' }),
  url: pointerSchema.meta({ description: 'Within each: the address of the picture.' }),
  id: pointerSchema.optional().meta({ description: 'Within each: its name in the results.' }),
  base: z
    .url()
    .endsWith('/')
    .optional()
    .meta({ description: 'Where the pictures lie, for senders that name keys of a store and no addresses.' }),
  metadata: z
    .record(z.string().min(1).max(100), pointerSchema)
    .optional()
    .meta({ description: 'Within the event: what the callback brings along.' }),
});
export type Mapping = z.infer<typeof mappingSchema>;

export interface Mapped {
  readonly images: readonly { readonly id?: string; readonly url: string }[];
  readonly metadata?: Readonly<Record<string, string | number | boolean>>;
}

/** What an event asks for, or why it asks for nothing: senders send more than they are asked to, and that is no fault. */
export function mapped(mapping: Mapping, event: unknown): Mapped | { readonly ignored: string } {
  for (const [pointer, values] of Object.entries(mapping.when ?? {})) {
    if (!values.some((value) => value === valueAt(event, pointer))) return { ignored: `${pointer} is another` };
  }
  const found = valueAt(event, mapping.each ?? '');
  const things: readonly unknown[] = Array.isArray(found) ? found : [found];
  const images = named(things.flatMap((thing) => imageOf(mapping, thing) ?? []));
  if (images.length === 0) return { ignored: `there is no picture at ${mapping.each ?? ''}${mapping.url}` };
  if (images.length > MAX_IMAGES) return { ignored: `there are ${images.length} pictures; ${MAX_IMAGES} are the most` };
  const metadata = Object.entries(mapping.metadata ?? {}).flatMap(([name, pointer]) => {
    const value = scalar.safeParse(valueAt(event, pointer));
    return value.success ? [[name, value.data] as const] : [];
  });
  return { images, ...(metadata.length > 0 && { metadata: Object.fromEntries(metadata) }) };
}

/** Names that tell pictures apart, or none: a job calls them by their numbers then. */
function named(images: { id?: string; url: string }[]): Mapped['images'] {
  const ids = new Set(images.map(({ id }) => id));
  return ids.size === images.length && !ids.has(undefined) && !ids.has('')
    ? images
    : images.map(({ url }) => ({ url }));
}

function imageOf(mapping: Mapping, thing: unknown): { id?: string; url: string } | undefined {
  const value = valueAt(thing, mapping.url);
  if (typeof value !== 'string' || value === '') return undefined;
  const url = mapping.base === undefined ? value : below(mapping.base, value);
  if (url === undefined) return undefined;
  const id = scalar.safeParse(mapping.id === undefined ? undefined : valueAt(thing, mapping.id));
  return { ...(id.success && { id: String(id.data) }), url };
}

/** The address of a key below a base; a key cannot lead out of it. */
function below(base: string, key: string): string | undefined {
  const segments = key.split('/').filter((segment) => segment !== '');
  if (segments.length === 0 || segments.some((segment) => segment === '.' || segment === '..')) return undefined;
  // Half of a surrogate pair has no bytes.
  return segments.every((segment) => segment.isWellFormed())
    ? base + segments.map(encodeURIComponent).join('/')
    : undefined;
}
