import { execute, quoted, type Where } from './database.ts';

/** The id of a key, or what names another caller → the owner of jobs. @throws Error where there is no such key */
export async function ownerNamed(named: string | undefined, where: Where): Promise<string> {
  if (named === undefined) throw new Error('--owner says whose it is: the id of a key, or jwt:SUBJECT');
  if (/^jwt:.{1,100}$/.test(named)) return named;
  const id = named.replace(/^key:/, '');
  const rows = await execute(`SELECT id FROM keys WHERE id = ${quoted(id)} AND revoked_at IS NULL`, where);
  if (rows.length === 0) throw new Error(`There is no key with the id ${id}; npm run keys -- list shows them.`);
  return `key:${id}`;
}
