/**
 * Imported before anything else in a test build of a Worker: counts the bytes of every WebAssembly memory that is
 * alive, whoever made it, which the inspector does not see. One that was let go counts until it is collected.
 */

const { Memory, Instance, instantiate } = WebAssembly;
const memories = new Set<WeakRef<WebAssembly.Memory>>();
let peakBytes = 0;

function bytesAlive(): number {
  let bytes = 0;
  for (const reference of memories) {
    const memory = reference.deref();
    if (memory) bytes += memory.buffer.byteLength;
    else memories.delete(reference);
  }
  peakBytes = Math.max(peakBytes, bytes);
  return bytes;
}

function watch(memory: WebAssembly.Memory): void {
  for (const known of memories) if (known.deref() === memory) return;
  memories.add(new WeakRef(memory));
  bytesAlive();
}

function watchExports(instance: WebAssembly.Instance): void {
  for (const value of Object.values(instance.exports)) if (value instanceof Memory) watch(value);
}

WebAssembly.Memory = class extends Memory {
  constructor(descriptor: WebAssembly.MemoryDescriptor) {
    super(descriptor);
    watch(this);
  }
};
WebAssembly.Instance = class extends Instance {
  constructor(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
    super(module, imports);
    watchExports(this);
  }
};
WebAssembly.instantiate = (async (module: WebAssembly.Module, imports?: WebAssembly.Imports) => {
  const instance = await instantiate(module, imports);
  watchExports(instance);
  return instance;
}) as typeof WebAssembly.instantiate;

const { grow } = Memory.prototype;
Memory.prototype.grow = function (this: WebAssembly.Memory, pages: number) {
  const before = grow.call(this, pages);
  bytesAlive();
  return before;
};

/** Called through the inspector: the most bytes that were alive at one time since the last call. */
(globalThis as { wasmPeak?: () => number }).wasmPeak = () => {
  const now = bytesAlive();
  const peak = peakBytes;
  peakBytes = now;
  return peak;
};
