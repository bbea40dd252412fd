import { serveThread } from '../../runtime/int8/thread.ts';

/** What `threads.ts` starts: one thread of the engine. */
const serve = serveThread((message) => postMessage(message));
addEventListener('message', ({ data }) => serve(data));
