import type { ThreadPlan } from './engine.ts';
import type { Kernel } from './kernels.ts';

/** What a thread is told, in this order: who it is, once; which programs there are; and to run one, until it says so. */
export type ToThread =
  | {
      readonly kind: 'start';
      readonly module: WebAssembly.Module;
      readonly memory: WebAssembly.Memory;
      readonly control: Int32Array<SharedArrayBuffer>;
      /** Which of `threads` it is. */
      readonly thread: number;
      readonly threads: number;
    }
  | { readonly kind: 'load'; readonly program: number; readonly plan: ThreadPlan }
  | { readonly kind: 'unload'; readonly program: number }
  /** `together`: its parts of the image in the first arena; else all of the image in its own. */
  | { readonly kind: 'run'; readonly program: number; readonly together: boolean };

export type FromThread = { readonly kind: 'ready' | 'done' };

/** Words that all threads share: how many have arrived, how often all have, how many sleep, whether one is gone. */
export const CONTROL = { arrived: 0, meetings: 1, sleeping: 2, broken: 3 } as const;
export const CONTROL_WORDS = 4;

/** Looks before a thread goes to sleep: about as long as it takes to wake one. */
const LOOKS = 20_000;

/**
 * Waits until all threads are here: spins first, then sleeps.
 * @returns whether they are; false where one of them is gone
 */
function meet(control: Int32Array<SharedArrayBuffer>, threads: number): boolean {
  const meeting = Atomics.load(control, CONTROL.meetings);
  if (Atomics.add(control, CONTROL.arrived, 1) === threads - 1) {
    Atomics.store(control, CONTROL.arrived, 0);
    Atomics.add(control, CONTROL.meetings, 1);
    if (Atomics.load(control, CONTROL.sleeping) > 0) Atomics.notify(control, CONTROL.meetings);
    return Atomics.load(control, CONTROL.broken) === 0;
  }
  for (let look = 0; look < LOOKS; look++) {
    if (Atomics.load(control, CONTROL.meetings) !== meeting) return Atomics.load(control, CONTROL.broken) === 0;
  }
  Atomics.add(control, CONTROL.sleeping, 1);
  while (Atomics.load(control, CONTROL.meetings) === meeting && Atomics.load(control, CONTROL.broken) === 0) {
    // Whoever breaks it may do so between the look and the sleep.
    Atomics.wait(control, CONTROL.meetings, meeting, 50);
  }
  Atomics.sub(control, CONTROL.sleeping, 1);
  return Atomics.load(control, CONTROL.broken) === 0;
}

interface Step {
  readonly kernel: Kernel;
  readonly record: number;
  /** This thread's share where threads run together: 0 for none. */
  readonly share: number;
  /** Whether what comes next has to wait for all threads. */
  readonly meets: boolean;
}

interface Loaded {
  readonly steps: readonly Step[];
  readonly arenas: readonly number[];
}

function loaded(plan: ThreadPlan, exports: WebAssembly.Exports, thread: number): Loaded {
  const steps = plan.ops.map(({ name, record, parts }, index): Step => {
    const next = plan.ops[index + 1];
    return {
      kernel: exports[name] as Kernel,
      record,
      share: (parts ? parts[thread] : thread === 0 ? record : undefined) ?? 0,
      meets: next !== undefined && (parts !== null || next.parts !== null),
    };
  });
  return { steps, arenas: plan.arenas };
}

/**
 * A thread of `ThreadPool`, in whatever a platform has for one. What is thrown here is to end the thread.
 * @returns what it does with each message
 */
export function serveThread(post: (message: FromThread) => void): (message: ToThread) => void {
  const programs = new Map<number, Loaded>();
  let self: Extract<ToThread, { kind: 'start' }> | undefined;
  let exports: WebAssembly.Exports = {};
  return (message) => {
    if (message.kind === 'start') {
      self = message;
      exports = new WebAssembly.Instance(message.module, { env: { memory: message.memory } }).exports;
      post({ kind: 'ready' });
      return;
    }
    if (!self) throw new Error('the thread was not started');
    const { program } = message;
    if (message.kind === 'load') {
      programs.set(program, loaded(message.plan, exports, self.thread));
    } else if (message.kind === 'unload') {
      programs.delete(program);
    } else {
      const { steps, arenas } = programs.get(program) ?? { steps: [], arenas: [] };
      if (message.together) runTogether(steps, arenas[0] ?? 0, self.control, self.threads);
      else for (const { kernel, record } of steps) kernel(record, arenas[self.thread] ?? 0);
      post({ kind: 'done' });
    }
  };
}

function runTogether(
  steps: readonly Step[],
  arena: number,
  control: Int32Array<SharedArrayBuffer>,
  threads: number,
): void {
  for (const { kernel, share, meets } of steps) {
    if (share !== 0) kernel(share, arena);
    if (meets && !meet(control, threads)) return;
  }
}
