/** Something that must lie in the arena from one op to another, both included. */
export interface Tenancy {
  readonly name: string;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
  /** Where it must lie, if that is not free to choose. */
  readonly fixed?: number;
}

export interface Places {
  readonly offsets: ReadonlyMap<string, number>;
  /** End of the highest place. */
  readonly bytes: number;
}

/** Places begin at multiples of a cache line. */
export const ALIGNMENT = 64;

type Placed = Tenancy & { readonly offset: number };

/**
 * Offsets such that no two tenancies alive at one op overlap. Each goes to the tightest gap between those placed
 * already, largest first (Pisarchyk and Lee 2020, "greedy by size"), or in other orders where that needs less.
 */
export function planMemory(tenancies: readonly Tenancy[]): Places {
  const orders: ((a: Tenancy, b: Tenancy) => number)[] = [
    (a, b) => b.bytes - a.bytes || a.first - b.first,
    (a, b) => b.bytes * span(b) - a.bytes * span(a),
    (a, b) => a.first - b.first || b.bytes - a.bytes,
    (a, b) => span(b) - span(a) || b.bytes - a.bytes,
  ];
  const plans = orders.map((order) => placeInOrder(tenancies.toSorted(order)));
  return plans.reduce((best, plan) => (plan.bytes < best.bytes ? plan : best));
}

function placeInOrder(tenancies: readonly Tenancy[]): Places {
  const placed: Placed[] = [];
  for (const tenancy of tenancies) {
    if (tenancy.fixed !== undefined) placed.push({ ...tenancy, offset: tenancy.fixed });
  }
  for (const tenancy of tenancies) {
    if (tenancy.fixed === undefined) placed.push({ ...tenancy, offset: tightestGap(tenancy, placed) });
  }
  return {
    offsets: new Map(placed.map(({ name, offset }) => [name, offset])),
    bytes: placed.reduce((end, { offset, bytes }) => Math.max(end, offset + bytes), 0),
  };
}

function tightestGap(tenancy: Tenancy, placed: readonly Placed[]): number {
  const neighbours = placed
    .filter((other) => other.first <= tenancy.last && tenancy.first <= other.last)
    .sort((a, b) => a.offset - b.offset);
  let best = { offset: -1, gap: Number.POSITIVE_INFINITY };
  let end = 0;
  for (const { offset, bytes } of neighbours) {
    const gap = offset - end;
    if (gap >= tenancy.bytes && gap < best.gap) best = { offset: end, gap };
    end = Math.max(end, Math.ceil((offset + bytes) / ALIGNMENT) * ALIGNMENT);
  }
  return best.offset >= 0 ? best.offset : end;
}

const span = ({ first, last }: Tenancy): number => last - first + 1;
