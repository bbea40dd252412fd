import { z } from 'zod';
import { mappingSchema } from './mapping.ts';
import { unseal } from './sealed.ts';
import { SCHEMES, type Scheme } from './verify.ts';

export const sourceNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a name of lower-case letters, digits and hyphens, at most 63');

/** What is made of each event of a source. */
export const ordersSchema = z.strictObject({
  model: z.string().min(1).max(63),
  mapping: mappingSchema,
  top_k: z.int().min(1).max(1000).optional(),
  callback_url: z.url().optional(),
});
export type Orders = z.infer<typeof ordersSchema>;

export interface HookSource {
  readonly name: string;
  /** Whose jobs its events become. */
  readonly owner: string;
  readonly scheme: Scheme;
  readonly orders: Orders;
  readonly sealed: string;
}

const json = z.string().transform((text): unknown => JSON.parse(text));
const rowSchema = z.object({
  name: z.string(),
  owner: z.string(),
  scheme: z.enum(SCHEMES),
  orders: json.pipe(ordersSchema),
  sealed: z.string(),
});

/** The place of {@link seal} for a source's secrets. */
export const placeOfSource = (name: string, owner: string): readonly string[] => ['hook_sources', name, owner];

/** Who may post to `/hooks/{name}`. */
export class HookSources {
  readonly #database: D1Database;
  readonly #worker: string;

  /** @param parts.worker WEBHOOK_SECRET, which their secrets are encrypted with */
  constructor(parts: { database: D1Database; worker: string }) {
    this.#database = parts.database;
    this.#worker = parts.worker;
  }

  async find(name: string): Promise<HookSource | undefined> {
    if (!sourceNameSchema.safeParse(name).success) return undefined;
    const row = await this.#database
      .prepare('SELECT name, owner, scheme, orders, sealed FROM hook_sources WHERE name = ?')
      .bind(name)
      .first();
    return row === null ? undefined : rowSchema.parse(row);
  }

  /** One, or while the sender changes over two. */
  async secretsOf({ name, owner, sealed }: HookSource): Promise<readonly string[]> {
    return (await unseal(sealed, placeOfSource(name, owner), this.#worker)).split(' ');
  }
}
