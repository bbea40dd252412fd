import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build, type Plugin } from 'esbuild';
import { z } from 'zod';

const root = path.join(import.meta.dirname, '../..');
const source = path.join(root, 'functions/demo');
/** What the engine in the browser is made of, by the name that it asks for. */
const WASM = {
  ...Object.fromEntries(
    ['baseline', 'relaxed', 'fused']
      .flatMap((build) => [build, `${build}-shared`])
      .map((build) => [build, `runtime/int8/build/${build}.wasm`]),
  ),
  jpeg: 'image/jpeg/build/decoder.wasm',
  webp: 'image/webp/build/decoder.wasm',
  avif: 'image/avif/build/decoder.wasm',
};
/** Browsers that have SIMD in WebAssembly, and modules in workers. */
const TARGET = ['es2022', 'chrome111', 'firefox115', 'safari16.4'];

/** Committed test pictures `<class>-<position>.png`, and the names of the classes. */
const garments = path.join(root, 'test/fixtures/fashion');

/** Zod brings its messages in forty languages, a quarter of a megabyte, of which one is spoken here. */
const withoutLocales: Plugin = {
  name: 'without-locales',
  setup({ onResolve }) {
    onResolve({ filter: /locales\/index\.js$/ }, ({ resolveDir }) => ({
      path: path.join(resolveDir, '../locales/en.js'),
    }));
  },
};

/** Bundles the page and copies its files: `<outDir>/index.html`, `page/*`, `samples/*`. */
export async function buildPage(outDir: string): Promise<void> {
  const page = path.join(outDir, 'page');
  for (const folder of ['page', 'samples']) {
    await rm(path.join(outDir, folder), { recursive: true, force: true });
    await mkdir(path.join(outDir, folder), { recursive: true });
  }
  const bundle = { bundle: true, format: 'esm', target: TARGET, minify: true, logLevel: 'warning' } as const;
  await build({
    ...bundle,
    entryPoints: [path.join(source, 'page.ts'), path.join(source, 'style.css'), path.join(source, 'style/dark.css')],
    outdir: page,
  });
  await build({
    ...bundle,
    entryPoints: ['engine.ts', 'thread.ts'].map((file) => path.join(source, 'in-browser', file)),
    outdir: page,
    plugins: [withoutLocales],
    // Offered for integer models alone.
    external: ['*/runtime/tfjs/classifier.ts'],
  });
  await mkdir(path.join(page, 'wasm'));
  for (const [name, file] of Object.entries(WASM))
    await cp(path.join(root, 'functions', file), path.join(page, 'wasm', `${name}.wasm`));
  await cp(path.join(source, 'favicon.svg'), path.join(page, 'favicon.svg'));
  const html = await readFile(path.join(source, 'index.html'), 'utf8');
  await writeFile(path.join(outDir, 'index.html'), html.replace('<!-- samples -->', await stageSamples(outDir)));
  await build({
    ...bundle,
    entryPoints: [path.join(source, 'in-browser/offline.ts')],
    outdir: page,
    define: { SHELL: JSON.stringify(await shellOf(outDir)) },
  });
}

/** All that the page is made of, and a name that is another when one of its files is. */
async function shellOf(outDir: string): Promise<{ name: string; files: readonly string[] }> {
  const hash = createHash('sha256');
  const files: string[] = ['/'];
  hash.update(await readFile(path.join(outDir, 'index.html')));
  for (const folder of ['page', 'samples']) {
    const names = await readdir(path.join(outDir, folder), { recursive: true, withFileTypes: true });
    for (const entry of names.filter((one) => one.isFile())) {
      const file = path.join(entry.parentPath, entry.name);
      files.push(`/${path.relative(outDir, file).split(path.sep).join('/')}`);
      hash.update(await readFile(file));
    }
  }
  return { name: `page-${hash.digest('hex').slice(0, 16)}`, files: files.sort() };
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
