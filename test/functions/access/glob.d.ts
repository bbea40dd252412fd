declare global {
  /** Vite's, for tests that run in workerd: files of the repository by a pattern. */
  interface ImportMeta {
    glob<T>(pattern: string, options: { query: '?raw'; import: 'default'; eager: true }): Record<string, T>;
  }
}

export {};
