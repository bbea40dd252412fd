import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { z } from 'zod';

const root = path.join(import.meta.dirname, '../..');
const source = path.join(root, 'functions/demo');
/** Committed test pictures `<class>-<position>.png`, and the names of the classes. */
const garments = path.join(root, 'test/fixtures/fashion');

/** Bundles the page and copies its files: `<outDir>/index.html`, `page/*`, `samples/*`. */
export async function buildPage(outDir: string): Promise<void> {
  const page = path.join(outDir, 'page');
  for (const folder of ['page', 'samples']) {
    await rm(path.join(outDir, folder), { recursive: true, force: true });
    await mkdir(path.join(outDir, folder), { recursive: true });
  }
  await build({
    entryPoints: [path.join(source, 'page.ts'), path.join(source, 'style.css'), path.join(source, 'style/dark.css')],
    outdir: page,
    bundle: true,
    format: 'esm',
    target: ['es2022', 'chrome111', 'firefox115', 'safari16.4'],
    minify: true,
    logLevel: 'warning',
  });
  await cp(path.join(source, 'favicon.svg'), path.join(page, 'favicon.svg'));
  const html = await readFile(path.join(source, 'index.html'), 'utf8');
  await writeFile(path.join(outDir, 'index.html'), html.replace('<!-- samples -->', await stageSamples(outDir)));
}

/** The first test picture of each class, as `samples/ankle-boot.png` … @returns a list item with a button for each */
async function stageSamples(outDir: string): Promise<string> {
  const labels = z.array(z.string()).parse(JSON.parse(await readFile(path.join(garments, 'labels.json'), 'utf8')));
  const files = (await readdir(garments)).filter((file) => file.endsWith('.png')).sort();
  const items = labels.map(async (label, index) => {
    const file = files.find((candidate) => candidate.startsWith(`${index}-`));
    if (!file) throw new Error(`${garments} has no picture of class ${index}, "${label}"`);
    const name = `${label.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.png`;
    await cp(path.join(garments, file), path.join(outDir, 'samples', name));
    const image = `<img src="/samples/${name}" alt="${label}" width="28" height="28">`;
    return `<li><button type="button" title="${label}">${image}</button></li>`;
  });
  return (await Promise.all(items)).join('\n            ');
}
