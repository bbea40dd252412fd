import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** The parts of `routes/` that describe it: of the Worker's world of types, loaded by name. */
interface Described {
  openApiDocument(): unknown;
}
interface Pages {
  docsPage(document: unknown): string;
  DOCS_STYLE: string;
}

/**
 * Writes `/openapi.json`, `/docs` and its style as files: made from the schemas here, it costs the Worker neither the
 * time nor the memory.
 */
export async function buildDocs(outDir: string): Promise<void> {
  const { openApiDocument } = (await import(room('openapi.ts'))) as Described;
  const { docsPage, DOCS_STYLE } = (await import(room('docs-page.ts'))) as Pages;
  const document = openApiDocument();
  await mkdir(path.join(outDir, 'docs'), { recursive: true });
  await writeFile(path.join(outDir, 'openapi.json'), JSON.stringify(document));
  await writeFile(path.join(outDir, 'docs.html'), docsPage(document));
  await writeFile(path.join(outDir, 'docs/style.css'), DOCS_STYLE);
}

const room = (file: string): string => new URL(`../routes/${file}`, import.meta.url).href;
