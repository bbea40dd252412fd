import { parentPort } from 'node:worker_threads';
import { serveThread } from './runtime/int8/thread.ts';

/** What `node-threads.ts` starts. */
const serve = serveThread((message) => parentPort?.postMessage(message));
parentPort?.on('message', serve);
