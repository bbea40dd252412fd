import { createRequire } from 'node:module';

/** A WebSocket client: Node 20 has none, Miniflare brings one. */
interface Socket {
  on(event: 'open' | 'error' | 'close', listener: (error?: Error) => void): void;
  on(event: 'message', listener: (data: Buffer) => void): void;
  send(text: string): void;
  close(): void;
}
const WebSocketClient = createRequire(import.meta.resolve('miniflare'))('ws') as new (url: string) => Socket;

/** Bytes of one isolate at one time: what the inspector sees, and the most of WebAssembly memory since the last look. */
export interface IsolateMemory {
  readonly heap: number;
  readonly embedder: number;
  readonly backing: number;
  readonly wasm: number;
}

export const totalOf = ({ heap, embedder, backing, wasm }: IsolateMemory): number => heap + embedder + backing + wasm;

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: object;
  readonly method?: string;
  readonly params?: { readonly context?: { readonly id: number } };
}

/** Follows the memory of one isolate through the inspector. */
export class IsolateProbe {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  #next = 1;
  #context: number | undefined;
  #stopped = false;
  #sampling: Promise<void> | undefined;
  #samples = 0;
  #peak: IsolateMemory = { heap: 0, embedder: 0, backing: 0, wasm: 0 };

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      const { id = 0, result, error, ...event } = JSON.parse(String(data)) as Message;
      if (event.method === 'Runtime.executionContextCreated') this.#context = event.params?.context?.id;
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) waiting?.reject(new Error(`the inspector answers ${JSON.stringify(error)}`));
      else waiting?.resolve(result);
    });
  }

  /** @param inspector of Miniflare, which lists every isolate; @param worker its name */
  static async of(inspector: URL, worker: string): Promise<IsolateProbe> {
    const list = (await (await fetch(new URL('/json/list', inspector.href.replace('ws:', 'http:')))).json()) as {
      id: string;
      webSocketDebuggerUrl: string;
    }[];
    const found = list.find(({ id }) => id.includes(worker));
    if (!found) throw new Error(`the inspector does not list "${worker}": ${JSON.stringify(list)}`);
    const socket = new WebSocketClient(found.webSocketDebuggerUrl);
    await new Promise<void>((resolve, reject) => {
      socket.on('open', () => resolve());
      socket.on('error', (error) => reject(error));
    });
    const probe = new IsolateProbe(socket);
    await probe.#ask('Runtime.enable');
    return probe;
  }

  #ask<T>(method: string, params: object = {}): Promise<T> {
    const id = this.#next++;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: (result) => resolve(result as T), reject });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  async sample(): Promise<IsolateMemory> {
    const [heap, { result }] = await Promise.all([
      this.#ask<{ totalSize: number; embedderHeapUsedSize: number; backingStorageSize: number }>(
        'Runtime.getHeapUsage',
      ),
      this.#ask<{ result: { value: number } }>('Runtime.evaluate', {
        expression: 'wasmPeak()',
        contextId: this.#context,
        returnByValue: true,
      }),
    ]);
    const { totalSize, embedderHeapUsedSize, backingStorageSize } = heap;
    const now = { heap: totalSize, embedder: embedderHeapUsedSize, backing: backingStorageSize, wasm: result.value };
    if (totalOf(now) > totalOf(this.#peak)) this.#peak = now;
    this.#samples++;
    return now;
  }

  /** Samples until {@link stop}, as often as the isolate answers. */
  start(): void {
    this.#sampling = (async () => {
      while (!this.#stopped) {
        await this.sample();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
  }

  /** @returns the sample with the largest total, and how many there were */
  async stop(): Promise<{ readonly peak: IsolateMemory; readonly samples: number }> {
    this.#stopped = true;
    await this.#sampling;
    await this.sample();
    this.#socket.close();
    return { peak: this.#peak, samples: this.#samples };
  }
}
