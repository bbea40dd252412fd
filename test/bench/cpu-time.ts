import { readdirSync, readFileSync } from 'node:fs';

/** Linux alone tells the CPU time of another process in nanoseconds; elsewhere the clock has to do. */

/** Processes started by this one that still run; none where there is no /proc. */
export function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      (readText(`/proc/${pid}/task/${task}/children`) ?? '').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

/** Milliseconds that all threads of a process have computed, or null where that is not told (`proc(5)`, schedstat). */
export function cpuMilliseconds(pid: number | undefined): number | null {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
      const [nanoseconds = '0'] = (readText(`/proc/${pid}/task/${task}/schedstat`) ?? '').split(' ');
      return sum + Number(nanoseconds) / 1e6;
    }, 0);
  } catch {
    return null;
  }
}

/** Null where the thread has ended meanwhile. */
function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
