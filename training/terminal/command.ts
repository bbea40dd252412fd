/**
 * Runs a command and ends the process: with 0, or with 1 and the error on the last line. An error of one of the
 * `expected` classes, of the command line or of the file system says what to do; any other is a defect, shown with
 * its stack.
 */
export async function runCommand(
  main: () => Promise<void>,
  expected: readonly (abstract new (...args: never[]) => Error)[],
): Promise<never> {
  try {
    await main();
  } catch (error) {
    const explained = error instanceof Error && (expected.some((kind) => error instanceof kind) || 'syscall' in error);
    console.error(explained || isOption(error) ? (error as Error).message : error);
    process.exit(1);
  }
  // A GPU, or a server kept alive, must not hold the terminal.
  process.exit(0);
}

const isOption = (error: unknown) =>
  error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
