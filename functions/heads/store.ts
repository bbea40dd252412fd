import { z } from 'zod';
import { lossesSchema, noLosses } from './temperature.ts';

const rowSchema = z.object({
  id: z.string(),
  base: z.string(),
  base_version: z.string(),
  base_revision: z.int(),
  dims: z.int(),
  state: z.string(),
  losses: z.string().transform((text) => lossesSchema.parse(JSON.parse(text))),
  created_at: z.int(),
  changed_at: z.int(),
});
export type HeadRow = z.infer<typeof rowSchema>;

const classSchema = z.object({ label: z.string(), images: z.int(), mean: z.string() });
export type ClassRow = z.infer<typeof classSchema>;

const listedSchema = z.object({ id: z.string(), base: z.string(), classes: z.int(), images: z.int() });

const COLUMNS = 'id, base, base_version, base_revision, dims, state, losses, created_at, changed_at';

/** Tables of `migrations/0005_heads.sql`. Each change names the state that it was made of; another one in between wins. */
export class HeadStore {
  readonly #database: D1Database;

  constructor(database: D1Database) {
    this.#database = database;
  }

  /** @returns whether there was room for it, or it was there */
  async create(
    owner: string,
    head: Pick<HeadRow, 'id' | 'base' | 'base_version' | 'base_revision' | 'dims'>,
    most: number,
  ) {
    const { id, base, base_version: version, base_revision: revision, dims } = head;
    await this.#database
      .prepare(
        `INSERT INTO heads (owner, ${COLUMNS})
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9
         WHERE (SELECT count(*) FROM heads WHERE owner = ?1) < ?10
         ON CONFLICT DO NOTHING`,
      )
      .bind(owner, id, base, version, revision, dims, crypto.randomUUID(), JSON.stringify(noLosses()), Date.now(), most)
      .run();
    return this.get(owner, id);
  }

  async get(owner: string, id: string): Promise<HeadRow | undefined> {
    const row = await this.#database
      .prepare(`SELECT ${COLUMNS} FROM heads WHERE owner = ? AND id = ?`)
      .bind(owner, id)
      .first();
    return row === null ? undefined : rowSchema.parse(row);
  }

  /** Both as they were at one time. */
  async withClasses(owner: string, id: string): Promise<{ head: HeadRow; classes: ClassRow[] } | undefined> {
    const [heads, classes] = await this.#database.batch([
      this.#database.prepare(`SELECT ${COLUMNS} FROM heads WHERE owner = ? AND id = ?`).bind(owner, id),
      this.#database
        .prepare('SELECT label, images, mean FROM head_classes WHERE owner = ? AND head = ? ORDER BY label')
        .bind(owner, id),
    ]);
    const [head] = z.array(rowSchema).parse(heads?.results ?? []);
    return head && { head, classes: z.array(classSchema).parse(classes?.results ?? []) };
  }

  async list(owner: string): Promise<z.infer<typeof listedSchema>[]> {
    const { results } = await this.#database
      .prepare(
        `SELECT id, base, count(label) AS classes, coalesce(sum(images), 0) AS images
         FROM heads LEFT JOIN head_classes ON head_classes.owner = heads.owner AND head = id
         WHERE heads.owner = ? GROUP BY id, base ORDER BY id`,
      )
      .bind(owner)
      .all();
    return z.array(listedSchema).parse(results);
  }

  /** Base64 of the sum of a class; undefined where there is none. */
  async sumOf(owner: string, head: string, label: string): Promise<string | undefined> {
    const sum = await this.#database
      .prepare('SELECT sum FROM head_classes WHERE owner = ? AND head = ? AND label = ?')
      .bind(owner, head, label)
      .first('sum');
    return sum === null ? undefined : z.string().parse(sum);
  }

  /** @returns whether the head still was in that state; if not, nothing was written */
  async writeClass(
    owner: string,
    { id, state, losses }: Pick<HeadRow, 'id' | 'state' | 'losses'>,
    { label, images, mean, sum }: ClassRow & { readonly sum: string },
  ): Promise<boolean> {
    const next = crypto.randomUUID();
    const [changed] = await this.#database.batch([
      this.#change(owner, id, state, next, JSON.stringify(losses)),
      this.#database
        .prepare(
          `INSERT INTO head_classes (owner, head, label, images, sum, mean)
           SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM heads WHERE owner = ?1 AND id = ?2 AND state = ?7)
           ON CONFLICT (owner, head, label) DO UPDATE SET images = excluded.images, sum = excluded.sum, mean = excluded.mean`,
        )
        .bind(owner, id, label, images, sum, mean, next),
    ]);
    return changed?.meta.changes === 1;
  }

  /** @returns whether the head still was in that state */
  async removeClass(owner: string, { id, state, losses }: HeadRow, label: string): Promise<boolean> {
    const next = crypto.randomUUID();
    const [changed] = await this.#database.batch([
      this.#change(owner, id, state, next, JSON.stringify(losses)),
      this.#database
        .prepare(
          `DELETE FROM head_classes WHERE owner = ?1 AND head = ?2 AND label = ?3
           AND EXISTS (SELECT 1 FROM heads WHERE owner = ?1 AND id = ?2 AND state = ?4)`,
        )
        .bind(owner, id, label, next),
    ]);
    return changed?.meta.changes === 1;
  }

  /** @returns whether there was one */
  async remove(owner: string, id: string): Promise<boolean> {
    const [, removed] = await this.#database.batch([
      this.#database.prepare('DELETE FROM head_classes WHERE owner = ? AND head = ?').bind(owner, id),
      this.#database.prepare('DELETE FROM heads WHERE owner = ? AND id = ?').bind(owner, id),
    ]);
    return removed?.meta.changes === 1;
  }

  #change(owner: string, id: string, state: string, next: string, losses: string): D1PreparedStatement {
    return this.#database
      .prepare('UPDATE heads SET state = ?4, losses = ?5, changed_at = ?6 WHERE owner = ?1 AND id = ?2 AND state = ?3')
      .bind(owner, id, state, next, losses, Date.now());
  }
}
