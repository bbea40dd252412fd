const EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

/**
 * Runs `start` and takes away the listeners that it leaves on the process: Emscripten programs for Node rethrow every
 * uncaught error from their own one line of source, which Node then prints, all 60 KB of it, before the error.
 */
export async function keepErrorReports<T>(start: () => Promise<T>): Promise<T> {
  const before = new Map(EVENTS.map((event) => [event, process.rawListeners(event)]));
  try {
    return await start();
  } finally {
    for (const event of EVENTS) {
      for (const listener of process.rawListeners(event)) {
        if (!before.get(event)?.includes(listener)) process.removeListener(event, listener as () => void);
      }
    }
  }
}
