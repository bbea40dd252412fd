/**
 * Sees all WebAssembly memories that are made from now on, exported by an instance or given to one: engines keep them
 * to themselves.
 * @returns their bytes, together
 */
export function watchMemories(): () => number {
  const memories = new Set<WebAssembly.Memory>();
  const { instantiate, Memory } = WebAssembly;
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      memories.add(this);
    }
  };
  WebAssembly.instantiate = (async (source: WebAssembly.Module, imports: WebAssembly.Imports) => {
    const made: WebAssembly.Instance | WebAssembly.WebAssemblyInstantiatedSource = await instantiate(source, imports);
    const { exports } = 'instance' in made ? (made.instance as WebAssembly.Instance) : made;
    for (const value of Object.values(exports)) if (value instanceof Memory) memories.add(value);
    return made;
  }) as typeof WebAssembly.instantiate;
  return () => Array.from(memories).reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
}
