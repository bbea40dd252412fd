import { readFileSync } from 'node:fs';

/** Resident set of a process, in bytes; not a number where the system does not tell it (`proc(5)`). */
export function residentBytes(pid: number | undefined): number {
  try {
    const [kilobytes = 'NaN'] = /(?<=VmRSS:\s+)\d+/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return Number.NaN;
  }
}
