import type { Engine, ThreadPlan } from './engine.ts';
import { CONTROL, CONTROL_WORDS, type FromThread, type ToThread } from './thread.ts';

/** A thread as Node or a page makes it: it answers to messages with `serveThread`. */
export interface ThreadHandle {
  post(message: ToThread): void;
  end(): void;
}

/** Starts one. @param events `onEnd` is called once, whatever ended it */
export type Spawn = (events: { onMessage(message: FromThread): void; onEnd(why: Error): void }) => ThreadHandle;

/**
 * How threads serve an image: all of them one image (`latency`), or each an image of its own, several at once
 * (`throughput`). The bits are the same.
 */
export type Mode = 'latency' | 'throughput';

/** A program that a pool has been given. */
export interface LoadedProgram {
  /**
   * @param before is called with the arena when its turn has come, to write the image
   * @param after when it has run, to read the scores
   * @throws Error where a thread died at it
   */
  run<T>(mode: Mode, before: (arena: number) => void, after: (arena: number) => T): Promise<T>;
  /** For whoever runs the program in its own thread: an arena that nobody else writes to meanwhile. */
  alone<T>(use: (arena: number) => T): Promise<T>;
  unload(): void;
}

interface Thread {
  handle: ThreadHandle;
  ready: boolean;
  /** Its arenas belong to somebody. */
  taken: boolean;
  /** What is told how its run ended. */
  settle: ((error?: Error) => void) | undefined;
}

interface Waiting {
  readonly all: boolean;
  readonly grant: (first: number) => void;
  readonly refuse: (why: Error) => void;
}

/** Threads that end before they were ready, one after another, until it is given up. */
const MOST_FAILURES = 5;

/**
 * Threads over one shared memory: each has an instance of the same kernels, weights are there once, and a program has an
 * arena for each thread. Whoever runs one takes a thread, or all of them, in the order of asking.
 */
export class ThreadPool {
  /** Of all programs that run here; it grows. */
  readonly memory: WebAssembly.Memory;
  /** The build that they run, and whoever shares the memory. */
  readonly module: WebAssembly.Module;
  readonly #spawn: Spawn;
  readonly #control = new Int32Array(new SharedArrayBuffer(CONTROL_WORDS * 4));
  readonly #threads: Thread[] = [];
  readonly #programs = new Map<number, ThreadPlan>();
  #queue: Waiting[] = [];
  #loads = 0;
  #failures = 0;
  #ended: Error | undefined;

  /**
   * @param module a build of the kernels with a shared memory
   * @param mostBytes that the memory may have; the module says 4 GiB
   */
  constructor({
    spawn,
    threads,
    module,
    mostBytes,
  }: { spawn: Spawn; threads: number; module: WebAssembly.Module; mostBytes: number }) {
    this.memory = new WebAssembly.Memory({ initial: 0, maximum: Math.floor(mostBytes / 65_536), shared: true });
    this.module = module;
    this.#spawn = spawn;
    const none: ThreadHandle = { post() {}, end() {} };
    for (let index = 0; index < threads; index++) {
      this.#threads.push({ handle: none, ready: false, taken: false, settle: undefined });
    }
    for (let index = 0; index < threads; index++) this.#start(index);
  }

  get threads(): number {
    return this.#threads.length;
  }

  /** Whether threads can be had here at all; where they cannot, whoever asks runs the program itself. */
  get works(): boolean {
    return this.#ended === undefined;
  }

  /** Whether no thread is taken, and none is asked for. */
  get idle(): boolean {
    return this.#queue.length === 0 && this.#threads.every(({ taken }) => !taken);
  }

  /** @param engine whose program lies in the memory of this pool, with an arena for each thread */
  load({ threadPlan: plan }: Engine): LoadedProgram {
    const program = ++this.#loads;
    this.#programs.set(program, plan);
    this.#tell({ kind: 'load', program, plan });
    const isSplit = plan.ops.some(({ parts }) => parts !== null);
    return {
      run: (mode, before, after) => this.#run(program, isSplit && mode === 'latency', before, after),
      alone: (use) => this.#alone(use),
      unload: () => {
        this.#programs.delete(program);
        this.#tell({ kind: 'unload', program });
      },
    };
  }

  /** Ends all threads; whatever runs ends with an error. */
  end(): void {
    this.#close(new Error('the threads have been ended'));
  }

  async #run<T>(
    program: number,
    together: boolean,
    before: (arena: number) => void,
    after: (arena: number) => T,
  ): Promise<T> {
    const first = await this.#take(together);
    const threads = together ? this.#threads : this.#threads.slice(first, first + 1);
    try {
      before(first);
      if (together) this.#control.fill(0);
      // Until the last of them has ended, nobody else may have their arenas.
      const runs = await Promise.allSettled(threads.map((thread) => ran(thread, { kind: 'run', program, together })));
      for (const run of runs) if (run.status === 'rejected') throw run.reason;
      return after(first);
    } finally {
      this.#free(threads);
    }
  }

  async #alone<T>(use: (arena: number) => T): Promise<T> {
    const first = await this.#take(false);
    try {
      return use(first);
    } finally {
      this.#free(this.#threads.slice(first, first + 1));
    }
  }

  /** @returns which thread, or the first of all */
  #take(all: boolean): Promise<number> {
    return new Promise((grant, refuse) => {
      this.#queue.push({ all, grant, refuse });
      this.#serve();
    });
  }

  #free(threads: readonly Thread[]): void {
    for (const thread of threads) thread.taken = false;
    this.#serve();
  }

  /** In the order of asking: who wants all threads is not overtaken by those who want one. */
  #serve(): void {
    for (let next = this.#queue[0]; next; next = this.#queue[0]) {
      if (this.#ended) {
        next.refuse(this.#ended);
      } else {
        const free = this.#threads.filter(({ ready, taken }) => ready && !taken);
        const given = next.all ? free : free.slice(0, 1);
        if (given.length < (next.all ? this.#threads.length : 1)) return;
        for (const thread of given) thread.taken = true;
        next.grant(this.#threads.indexOf(given[0] as Thread));
      }
      this.#queue.shift();
    }
  }

  #tell(message: ToThread): void {
    for (const { handle } of this.#threads) handle.post(message);
  }

  #start(index: number): void {
    const thread = this.#threads[index] as Thread;
    const { module, memory } = this;
    thread.ready = false;
    thread.handle = this.#spawn({
      onMessage: ({ kind }) => {
        if (kind === 'done') {
          thread.settle?.();
          return;
        }
        this.#failures = 0;
        thread.ready = true;
        this.#serve();
      },
      onEnd: (why) => this.#replace(index, why),
    });
    thread.handle.post({ kind: 'start', module, memory, control: this.#control, thread: index, threads: this.threads });
    for (const [program, plan] of this.#programs) thread.handle.post({ kind: 'load', program, plan });
  }

  /** What the thread was at ends with an error, also where others are at it too; another takes its place. */
  #replace(index: number, why: Error): void {
    if (this.#ended) return;
    const thread = this.#threads[index] as Thread;
    if (!thread.ready && ++this.#failures >= MOST_FAILURES) {
      this.#close(why);
      return;
    }
    Atomics.store(this.#control, CONTROL.broken, 1);
    Atomics.notify(this.#control, CONTROL.meetings);
    thread.ready = false;
    thread.settle?.(why);
    try {
      this.#start(index);
    } catch (error) {
      this.#close(error instanceof Error ? error : why);
    }
  }

  #close(why: Error): void {
    this.#ended = why;
    Atomics.store(this.#control, CONTROL.broken, 1);
    Atomics.notify(this.#control, CONTROL.meetings);
    for (const { handle, settle } of this.#threads) {
      settle?.(why);
      handle.end();
    }
    this.#serve();
  }
}

function ran(thread: Thread, message: ToThread): Promise<void> {
  return new Promise((resolve, reject) => {
    thread.settle = (error) => {
      thread.settle = undefined;
      if (error) reject(error);
      else resolve();
    };
    thread.handle.post(message);
  });
}
