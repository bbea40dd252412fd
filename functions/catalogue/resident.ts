import type { MemoryBudget } from '../memory-budget.ts';
import type { Classifier } from '../runtime/classifier.ts';
import type { AssetSource } from './assets.ts';
import { once } from './catalogue.ts';
import { loadClassifier, type RuntimeModules } from './load.ts';
import type { Manifest } from './manifest.ts';

/** A loaded model, and the memory that it holds. */
interface Resident {
  readonly classifier: Classifier;
  readonly release: () => void;
}

/** How long a request waits for the memory of a model before it is told to come back. */
const WAIT_MS = 5_000;

/**
 * Which models are in memory: each is loaded once per isolate, however many ask at once. Its planned bytes are
 * reserved before anything is fetched; where they do not fit, the least recently used idle models leave.
 */
export class Residents {
  readonly #loaded = new Map<string, Promise<Resident>>();
  /** Calls in flight, by model; the order of the keys is the order of last use. */
  readonly #calls = new Map<string, number>();
  readonly #assets: AssetSource;
  readonly #modules: RuntimeModules;
  readonly #budget: MemoryBudget;

  constructor(assets: AssetSource, modules: RuntimeModules, budget: MemoryBudget) {
    this.#assets = assets;
    this.#modules = modules;
    this.#budget = budget;
  }

  /** Runs `use` with the loaded model, which stays while it runs. */
  async with<T>(manifest: Manifest, use: (classifier: Classifier) => Promise<T>): Promise<T> {
    const id = manifest.folder ?? manifest.id;
    const calls = this.#calls.get(id) ?? 0;
    this.#calls.delete(id);
    this.#calls.set(id, calls + 1);
    try {
      const { classifier } = await once(this.#loaded, id, () => this.#load(manifest));
      return await use(classifier);
    } finally {
      this.#calls.set(id, (this.#calls.get(id) ?? 1) - 1);
    }
  }

  async #load(manifest: Manifest): Promise<Resident> {
    await this.#makeRoom(manifest.memory.total);
    const release = await this.#budget.reserve(manifest.memory.total, { timeoutMs: WAIT_MS });
    try {
      return { classifier: await loadClassifier(this.#assets, manifest, this.#modules), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Lets idle models go, longest unused first, until `bytes` are free or none is left that could. */
  async #makeRoom(bytes: number): Promise<void> {
    for (const [id, calls] of [...this.#calls]) {
      if (this.#budget.freeBytes >= bytes) return;
      const resident = calls === 0 ? this.#loaded.get(id) : undefined;
      if (!resident) continue;
      this.#loaded.delete(id);
      const { classifier, release } = await resident;
      classifier.dispose();
      release();
    }
  }
}
