import type { KeySet } from '../../receipts/receipts.ts';
import type { Answer, Explanation, Wishes } from '../api.ts';
import { Problem } from '../problem.ts';
import { keptKey } from '../request.ts';
import type { Check, Checked, Question, Reply } from './messages.ts';

type OnProgress = (loadedBytes: number, totalBytes: number) => void;
type Ended = Exclude<Reply, { kind: 'progress' }>;

/** The engine in a Web Worker of this page, which is started when it is first asked. */
export class EngineHere {
  readonly #onProgress: OnProgress;
  readonly #waiting = new Map<number, (ended: Ended) => void>();
  #worker: Worker | undefined;
  #asked = 0;

  constructor(onProgress: OnProgress) {
    this.#onProgress = onProgress;
  }

  /** @throws Problem, or an `AbortError` when `signal` says so: what was begun is finished, and nobody is told */
  async classify(
    model: string,
    picture: Blob,
    { signal, ...options }: { topK: number; signal: AbortSignal } & Omit<Wishes, 'head' | 'receipt'>,
  ): Promise<Answer & { explanation?: Explanation }> {
    const bytes = new Uint8Array(await picture.arrayBuffer());
    signal.throwIfAborted();
    const ended = await this.#ask({ model, picture: bytes, ...options, key: keptKey() });
    signal.throwIfAborted();
    if (ended.kind !== 'answer') throw problemOf(ended);
    return { ...ended.answer, milliseconds: ended.milliseconds, where: { threads: ended.threads } };
  }

  /** Whether a receipt holds, and its bits are computed here too. @throws Problem */
  async check(receipt: string, keys: KeySet, picture: Blob): Promise<Checked> {
    const bytes = new Uint8Array(await picture.arrayBuffer());
    const ended = await this.#ask({ kind: 'check', receipt, keys, picture: bytes, key: keptKey() });
    if (ended.kind !== 'checked') throw problemOf(ended);
    return ended.checked;
  }

  #ask(question: Omit<Question, 'id'> | Omit<Check, 'id'>): Promise<Ended> {
    const worker = this.#started();
    const id = ++this.#asked;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      worker.postMessage({ id, ...question }, [question.picture.buffer]);
    });
  }

  #started(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker('/page/engine.js', { type: 'module' });
    this.#worker = worker;
    worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => {
      if (data.kind === 'progress') this.#onProgress(data.loadedBytes, data.totalBytes);
      else this.#end(data.id, data);
    });
    worker.addEventListener('error', () => {
      worker.terminate();
      this.#worker = undefined;
      const [title, detail] = ['The engine in this browser did not start', 'Let the service answer.'];
      for (const id of this.#waiting.keys()) this.#end(id, { kind: 'problem', id, title, detail });
    });
    return worker;
  }

  #end(id: number, ended: Ended): void {
    this.#waiting.get(id)?.(ended);
    this.#waiting.delete(id);
  }
}

function problemOf(ended: Ended): Problem {
  return ended.kind === 'problem'
    ? new Problem(ended.title, ended.detail)
    : new Problem('The engine mixed answers up', 'Ask again.');
}
