import { parseArgs } from 'node:util';
import { type Row, smoke } from './smoke-checks.ts';

const USAGE =
  'npm run smoke -- URL [--key KEY]: looks at a deployment from outside; without a key only at what is open.';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { key: { type: 'string' } } });
const [address, ...more] = positionals;
const base = address !== undefined && more.length === 0 && URL.canParse(address) ? new URL(address) : null;

if (base === null || !/^https?:$/.test(base.protocol)) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  const failed: Row[] = [];
  try {
    await smoke(base.href, values.key, (row) => {
      if (!row.ok) failed.push(row);
      console.log(line(row));
    });
    console.log(failed.length === 0 ? '\nAll is well.' : `\n${failed.length} failed.`);
    if (failed.length > 0) process.exitCode = 1;
  } catch (error) {
    console.error(`Nothing answers at ${base.origin}: ${causeOf(error)}. Is it started, and the address right?`);
    process.exitCode = 1;
  }
}

function line({ check, ok, ms, says }: Row): string {
  return `${ok ? 'ok    ' : 'FAILED'}  ${check.padEnd(28)} ${ms.toFixed(0).padStart(6)} ms  ${says}`;
}

/** `fetch` says only that it failed; what of, its cause says. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code = '', message = String(cause) } = cause as { code?: string; message?: string };
  return message !== '' ? message : code;
}
