import { DECODER_BYTES, type MemoryBudget } from '../memory-budget.ts';
import type { Classifier } from '../runtime/classifier.ts';
import type { AssetSource } from './assets.ts';
import { once } from './catalogue.ts';
import { TFJS_BYTES } from './isolate-bytes.ts';
import { loadClassifier, plannedBytes, type RuntimeModules } from './load.ts';
import type { Manifest } from './manifest.ts';
import { ModelSpace, type Place } from './model-space.ts';

/** Memory and place of an integer program. */
interface Room {
  readonly memory: WebAssembly.Memory;
  readonly place: Place;
}

interface Resident {
  readonly manifest: Manifest;
  readonly classifier: Classifier;
  /** Of an integer program; models of TF.js lie in its own memory. */
  readonly place: Place | undefined;
}

/** How long a request waits for the memory of a model before it is told to come back. */
const WAIT_MS = 5_000;

/**
 * Which models are in memory: each is loaded once per isolate, however many ask at once. Its planned bytes are
 * reserved before anything is fetched; where they do not fit, the least recently used idle models leave, and leave
 * their place to others (`model-space.ts`).
 */
export class Residents {
  readonly #loads = new Map<string, Promise<Resident>>();
  readonly #loaded = new Map<string, Resident>();
  /** Calls in flight, by model; the order of the keys is the order of last use. */
  readonly #calls = new Map<string, number>();
  readonly #assets: AssetSource;
  readonly #modules: RuntimeModules;
  readonly #budget: MemoryBudget;
  readonly #picturesBytes: number;
  readonly #space: ModelSpace;
  /** Models of TF.js, and what is reserved for its memory, which grows and never shrinks. */
  readonly #tfjs = new Map<string, Manifest>();
  #tfjsBytes = 0;

  /** @param picturesBytes of the budget that models leave for decoding; 0 where no pictures and no models of TF.js come */
  constructor(assets: AssetSource, modules: RuntimeModules, budget: MemoryBudget, picturesBytes = 0) {
    this.#assets = assets;
    this.#modules = modules;
    this.#budget = budget;
    this.#picturesBytes = picturesBytes;
    this.#space = new ModelSpace(budget.totalBytes, modules.int8.threads?.memory);
  }

  /** Runs `use` with the loaded model, which stays while it runs. */
  async with<T>(manifest: Manifest, use: (classifier: Classifier) => Promise<T>): Promise<T> {
    const id = idOf(manifest);
    const calls = this.#calls.get(id) ?? 0;
    this.#calls.delete(id);
    this.#calls.set(id, calls + 1);
    try {
      const { classifier } = await once(this.#loads, id, () => this.#load(manifest));
      return await use(classifier);
    } finally {
      this.#calls.set(id, (this.#calls.get(id) ?? 1) - 1);
    }
  }

  async #load(manifest: Manifest): Promise<Resident> {
    let room: Room | undefined;
    try {
      if (manifest.runtime === 'tfjs') await this.#growTfjs(manifest);
      else room = await this.#roomFor(manifest);
      const where = room && { memory: room.memory, ...room.place };
      const classifier = await loadClassifier(this.#assets, manifest, this.#modules, where);
      const resident = { manifest, classifier, place: room?.place };
      this.#loaded.set(idOf(manifest), resident);
      return resident;
    } catch (error) {
      this.#tfjs.delete(idOf(manifest));
      if (room) this.#space.free(room.place);
      throw error;
    }
  }

  /** A place in the memory of integer programs; by what that has to grow is reserved, and stays so. */
  async #roomFor(manifest: Manifest): Promise<Room> {
    const total = plannedBytes(manifest, this.#modules.int8);
    let place: Place | undefined;
    /** Programs that came first and never shrink would keep TF.js out for good. */
    const forTfjs = () => (this.#picturesBytes > 0 ? Math.max(0, TFJS_BYTES - this.#tfjsBytes) : 0);
    const leave = () => {
      if (place) this.#space.free(place);
    };
    /** Claimed when it is this request's turn: those behind it in the queue would only be in its way. */
    const claim = () => {
      leave();
      place = this.#space.claim(total);
      return place;
    };
    try {
      return await this.#keep(
        total + forTfjs(),
        () => {
          let claimed = claim();
          while (this.#lacks(this.#space.growth(claimed), forTfjs()) && this.#evict(hasPlace)) claimed = claim();
          const growth = this.#space.growth(claimed);
          return growth > 0 ? growth + forTfjs() : 0;
        },
        () => {
          place ??= claim();
          return { memory: this.#space.grownTo(place), place };
        },
      );
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** The memory of TF.js is as large as what the largest of its models alone needs, and the weights of the others. */
  async #growTfjs(manifest: Manifest): Promise<void> {
    this.#tfjs.set(idOf(manifest), manifest);
    const growth = () => {
      const models = Array.from(this.#tfjs.values(), ({ memory }) => memory);
      const weights = models.reduce((sum, memory) => sum + memory.weights, 0);
      const beside = Math.max(...models.map((memory) => memory.total - memory.weights));
      return Math.max(0, Math.max(TFJS_BYTES, weights + beside) - this.#tfjsBytes);
    };
    await this.#keep(
      manifest.memory.total,
      () => {
        while (this.#lacks(growth()) && (this.#evict(isOfTfjs) || this.#evict(hasPlace))) {}
        return growth();
      },
      () => {
        this.#tfjsBytes += growth();
      },
    );
  }

  /** What models hold of the budget. */
  get #bytes(): number {
    return this.#space.bytes + this.#tfjsBytes;
  }

  #lacks(bytes: number, besideBytes = 0): boolean {
    return bytes > 0 && bytes + besideBytes + this.#bytes + this.#picturesBytes > this.#budget.totalBytes;
  }

  /**
   * Reserves for good what models take more than before, when as much as pictures need is free beside it.
   * @param leastBytes that have to fit when nothing else is there
   * @param needed bytes that `grow` would take; it is asked before each look whether they are free, and makes room
   * @param grow takes them at once, or less: another may have taken them meanwhile
   */
  async #keep<T>(leastBytes: number, needed: () => number, grow: () => T): Promise<T> {
    let reserved = 0;
    const { totalBytes } = this.#budget;
    const wanted = () => {
      const bytes = needed();
      // A decoder may hold its part of what is for pictures already.
      reserved = bytes > 0 ? bytes + Math.max(0, this.#picturesBytes - DECODER_BYTES) : 0;
      // Behind models in use there may be no end in sight; when they are idle there is.
      return leastBytes + this.#picturesBytes > totalBytes ? reserved : Math.min(reserved, totalBytes);
    };
    const release = await this.#budget.reserve(wanted, { timeoutMs: WAIT_MS });
    const before = this.#bytes;
    const grown = grow();
    release(reserved - (this.#bytes - before));
    return grown;
  }

  /** Lets the idle model go that was not used for the longest time. @returns whether there was one */
  #evict(may: (resident: Resident) => boolean): boolean {
    for (const [id, calls] of this.#calls) {
      const resident = this.#loaded.get(id);
      if (calls > 0 || !resident || !may(resident)) continue;
      this.#loads.delete(id);
      this.#loaded.delete(id);
      this.#tfjs.delete(id);
      resident.classifier.dispose();
      if (resident.place) this.#space.free(resident.place);
      return true;
    }
    return false;
  }
}

const idOf = ({ folder, id }: Manifest): string => folder ?? id;

const isOfTfjs = ({ manifest }: Resident): boolean => manifest.runtime === 'tfjs';
const hasPlace = ({ place }: Resident): boolean => place !== undefined;
