import { z } from 'zod';
import { type Orders, ordersSchema, sourceNameSchema } from './orders.ts';
import { placeOfSource, unseal } from './sealed.ts';
import { SCHEMES, type Scheme } from './verify.ts';

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
