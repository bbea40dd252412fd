import type { MemoryBudget } from '../memory-budget.ts';
import { damaged } from './errors.ts';
import { KeptInstance } from './kept-instance.ts';
import { rowOverWhite } from './over-white.ts';
import type { Size } from './resize.ts';
import type { RowSink } from './rows.ts';

/** What Emscripten's glue is given, and gives: `decode` is there when the factory returns. */
interface Glue {
  readonly noInitialRun: true;
  readonly printErr: () => void;
  instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void): WebAssembly.Exports;
  decode?(file: Uint8Array, ...more: number[]): unknown;
}
export type Factory = (glue: Glue) => Promise<unknown>;

const PAGE = 65_536;
const grow = WebAssembly.Memory.prototype.grow;
/** Thrown where the memory has no room in one piece, since others used it. */
const NO_ROOM = new Error('no room');
type TakePixels = (rgba: Uint8Array, size: Size) => void;

/**
 * A decoder of jSquash (libwebp, libavif), which hands out a whole picture as an `ImageData`. That is taken here while
 * it still lies in the module's memory, so that there is no second copy; and the memory cannot grow beyond what was
 * reserved, whatever a file makes the decoder ask for.
 */
export class SquashInstance {
  readonly #glue: Glue;
  readonly #more: readonly number[];
  readonly #classes: { readonly ImageData: unknown; readonly Uint8ClampedArray: unknown };
  #memory: WebAssembly.Memory | undefined;
  #limitBytes = 0;
  #take: TakePixels = () => {};
  /** Whether the decoder asked for more than it may have. */
  wanting = false;
  /** Whether it has decoded before. */
  used = false;

  constructor(module: WebAssembly.Module, factory: Factory, more: readonly number[]) {
    this.#more = more;
    this.#glue = {
      noInitialRun: true,
      printErr: () => {},
      instantiateWasm: (imports, done) => {
        const instance = new WebAssembly.Instance(module, imports);
        this.#bound(Object.values(instance.exports));
        done(instance);
        return instance.exports;
      },
    };
    const take = (rgba: Uint8Array, width: number, height: number) => this.#take(rgba, { width, height });
    this.#classes = {
      ImageData: class {
        constructor(rgba: Uint8Array, width: number, height: number) {
          take(rgba, width, height);
        }
      },
      // `new` gives back what a constructor returns: here the view itself, not a copy.
      Uint8ClampedArray: function view(bytes: Uint8Array) {
        return bytes;
      },
    };
    this.#amongGlobals(() => void factory(this.#glue).catch(() => {}));
  }

  get heldBytes(): number {
    return this.#memory?.buffer.byteLength ?? 0;
  }

  /** @returns whether there was a picture; what broke it, if it broke */
  decode(file: Uint8Array, limitBytes: number, take: TakePixels): { given: boolean; broken?: unknown } {
    let given = false;
    let thrown: { readonly error: unknown } | undefined;
    let broken: unknown;
    this.wanting = false;
    this.used = true;
    this.#limitBytes = limitBytes;
    this.#take = (rgba, size) => {
      given = true;
      try {
        take(rgba, size);
      } catch (error) {
        thrown = { error };
      }
    };
    try {
      this.#amongGlobals(() => this.#glue.decode?.(file, ...this.#more));
    } catch (error) {
      broken = error;
    }
    this.#take = () => {};
    if (thrown) throw thrown.error;
    return { given, broken };
  }

  #bound(exports: readonly unknown[]): void {
    const memory = exports.find((one) => one instanceof WebAssembly.Memory);
    if (!memory) throw new TypeError('the decoder exports no memory');
    this.#memory = memory;
    memory.grow = (pages) => {
      if (memory.buffer.byteLength + pages * PAGE <= this.#limitBytes) return grow.call(memory, pages);
      this.wanting = true;
      throw new RangeError('more than was reserved');
    };
  }

  /** The glue looks its classes up among the globals, whenever it needs them; it runs synchronously. */
  #amongGlobals(run: () => void): void {
    const before = Object.entries(this.#classes).map(
      ([name]) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const,
    );
    for (const [name, value] of Object.entries(this.#classes))
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    try {
      run();
    } finally {
      for (const [name, descriptor] of before) {
        if (descriptor) Object.defineProperty(globalThis, name, descriptor);
        else Reflect.deleteProperty(globalThis, name);
      }
    }
  }
}

/** What is to be decoded. */
export interface SquashPicture extends Size {
  readonly file: Uint8Array;
  /** Bytes of memory that the decoder needs for it. */
  readonly memoryBytes: number;
}

/** Decodes with one instance, which is kept. */
export class SquashDecoder {
  readonly #name: string;
  readonly #kept: KeptInstance<SquashInstance>;

  /** @param more what the module's `decode` takes after the file */
  constructor(
    name: string,
    { module, factory, more = [] }: { module: WebAssembly.Module; factory: Factory; more?: readonly number[] },
    budget: MemoryBudget,
  ) {
    this.#name = name;
    this.#kept = new KeptInstance(() => new SquashInstance(module, factory, more), budget);
  }

  /**
   * Hands a sink the rows of the picture in RGB, laid over white, in the order in which they are stored.
   * @param extraBytes what the sink takes
   * @throws ServiceError `image-damaged`, `image-too-large` or `busy`
   */
  async decode<T>(picture: SquashPicture, extraBytes: number, use: (fill: (sink: RowSink) => void) => T): Promise<T> {
    try {
      return await this.#decode(picture, extraBytes, use);
    } catch (error) {
      if (error !== NO_ROOM) throw error;
      return this.#decode(picture, extraBytes, use);
    }
  }

  /** @throws NO_ROOM where a memory that none used before may have it */
  #decode<T>(picture: SquashPicture, extraBytes: number, use: (fill: (sink: RowSink) => void) => T): Promise<T> {
    const { width, height, file } = picture;
    const limitBytes = Math.ceil(picture.memoryBytes / PAGE) * PAGE;
    return this.#kept.with(limitBytes, extraBytes + width * 3, (kept, drop) =>
      use((sink) => {
        const take: TakePixels = (rgba, size) => {
          if (size.width !== width || size.height !== height) throw this.#damaged('is not of the size that it says');
          const rgb = new Uint8Array(width * 3);
          for (let y = 0; y < height; y++) {
            rowOverWhite(rgba, y * width * 4, rgb);
            sink.row(rgb);
          }
        };
        const { used } = kept;
        const { given, broken } = kept.decode(file, limitBytes, take);
        const wanting = !given && kept.wanting;
        // Nothing is known of its memory any more.
        if (broken || (wanting && used)) drop();
        if (wanting && used) throw NO_ROOM;
        if (wanting) throw this.#damaged('takes more memory than its size tells', broken);
        if (!given) throw this.#damaged('cannot be decoded', broken);
      }),
    );
  }

  #damaged(why: string, cause?: unknown) {
    return damaged(`The ${this.#name} ${why}.`, cause);
  }
}
