/** Results of `begin`, in the order of `items`, each begun before the ones before it are used, `ahead` of them at most. */
export async function* begunAhead<Item, Begun>(
  items: readonly Item[],
  ahead: number,
  begin: (item: Item) => Promise<Begun>,
): AsyncGenerator<readonly [Item, PromiseSettledResult<Begun>]> {
  const waiting = [...items];
  const begun: { item: Item; result: Promise<PromiseSettledResult<Begun>> }[] = [];
  const more = () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
      begun.push({ item, result: settled(begin(item)) });
      if (begun.length >= ahead) return;
    }
  };
  for (more(); ; more()) {
    const next = begun.shift();
    if (!next) return;
    yield [next.item, await next.result];
  }
}

const settled = async <T>(work: Promise<T>): Promise<PromiseSettledResult<T>> => {
  const [result] = await Promise.allSettled([work]);
  return result;
};
