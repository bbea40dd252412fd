/** What the Worker, a Node server and a page give the application; the application asks for nothing else. */
export interface Host {
  /** Model folders: `<id>/manifest.json` … */
  readonly models: { open(path: string): Promise<ReadableStream<Uint8Array> | null> };
  /** The page's own files; null where this host has no page. */
  readonly page: ((request: Request) => Promise<Response>) | null;
  readonly modules: Modules;
  /** Bytes that models, decoders and bodies together may hold. */
  readonly memoryBytes: number;
  /** A Worker with an isolate of its own; without one every model runs here. */
  readonly isolated?: {
    /** A model that plans more memory than this runs there. */
    readonly aboveBytes: number;
    fetch(request: Request): Promise<Response>;
  };
  /** Structured log lines. */
  log(line: Readonly<Record<string, unknown>>): void;
}

/** Compiled WebAssembly, imported statically at the edge. */
export interface Modules {
  readonly tfjs: WebAssembly.Module;
  readonly jpeg: WebAssembly.Module;
  readonly int8: {
    readonly baseline: WebAssembly.Module;
    readonly relaxed: WebAssembly.Module;
    readonly fused?: WebAssembly.Module;
  };
}
