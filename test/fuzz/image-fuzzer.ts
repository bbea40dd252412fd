import { type Format, mutated } from './mutations.ts';
import { recompressed, sealed } from './png-chunks.ts';
import { Random } from './random.ts';
import { seedsOf } from './seeds.ts';

/** Mutants that took a way not seen before become seeds; so many of a format at most. */
const MAX_FOUND = 400;

interface Pool {
  readonly format: Format;
  readonly seeds: readonly Uint8Array[];
  readonly found: Uint8Array[];
  readonly classes: Set<string>;
}

export interface Mutant {
  readonly file: Uint8Array;
  readonly format: Format;
}

/** Makes mutants, guided by what became of those before. */
export class ImageFuzzer {
  readonly #random: Random;
  readonly #pools: readonly Pool[];

  private constructor(seed: number, pools: readonly Pool[]) {
    this.#random = new Random(seed);
    this.#pools = pools;
  }

  static async of(formats: readonly Format[], seed: number): Promise<ImageFuzzer> {
    const pools: Pool[] = [];
    for (const format of formats)
      pools.push({ format, seeds: await seedsOf(format), found: [], classes: new Set<string>() });
    return new ImageFuzzer(seed, pools);
  }

  get classes(): number {
    return this.#pools.reduce((sum, { classes }) => sum + classes.size, 0);
  }

  next(): Mutant {
    const random = this.#random;
    const { format, seeds, found } = random.of(this.#pools);
    const seed = random.of(found.length > 0 && random.oneIn(3) ? found : seeds);
    const other = random.of(seeds);
    const mutate = (file: Uint8Array) => mutated(format, file, other, random);
    if (format !== 'png') return { file: mutate(seed), format };
    if (random.oneIn(4)) return { file: recompressed(seed, random, mutate), format };
    const file = mutate(seed);
    return { file: random.oneIn(8) ? file : sealed(file), format };
  }

  /** @param outcome names the way that the mutant took */
  saw({ file, format }: Mutant, outcome: string): void {
    const pool = this.#pools.find((one) => one.format === format);
    if (!pool || pool.classes.has(outcome)) return;
    pool.classes.add(outcome);
    if (pool.found.length < MAX_FOUND) pool.found.push(file);
  }
}
