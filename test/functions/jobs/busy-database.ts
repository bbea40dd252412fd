/** What happens to a call: it never reaches the database, or its answer is lost. */
type Fault = 'no' | 'before' | 'after';

/** Of the statements that are wrapped, the real ones: a batch is given those. */
const realOf = new WeakMap<object, D1PreparedStatement>();

/** A database whose calls fail as `fault` says, each time that it is asked. */
export function busyDatabase(real: D1Database, fault: () => Fault): D1Database {
  const call = async <T>(work: () => Promise<T>): Promise<T> => {
    const now = fault();
    if (now === 'before') throw new Error('D1_ERROR: database is locked: SQLITE_BUSY');
    const answer = await work();
    if (now === 'after') throw new Error('D1_ERROR: Network connection lost.');
    return answer;
  };
  const wrapped = (statement: D1PreparedStatement): D1PreparedStatement => {
    const outside = {
      bind: (...values: unknown[]) => wrapped(statement.bind(...values)),
      first: (...column: [string]) => call(() => statement.first(...column)),
      all: () => call(() => statement.all()),
      run: () => call(() => statement.run()),
    } as unknown as D1PreparedStatement;
    realOf.set(outside, statement);
    return outside;
  };
  return {
    prepare: (sql: string) => wrapped(real.prepare(sql)),
    batch: (statements: D1PreparedStatement[]) =>
      call(() => real.batch(statements.map((statement) => realOf.get(statement) ?? statement))),
  } as unknown as D1Database;
}
