/** Where model folders are read from: static assets at the edge, files in Node, `fetch` in a page. */
export interface AssetSource {
  /** @returns the body of `models/<path>`, or null where there is no such file. */
  open(path: string): Promise<ReadableStream<Uint8Array> | null>;
}
