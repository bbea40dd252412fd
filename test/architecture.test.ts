import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * The rooms of the house and what each may import: a room is a folder or a file, the longest match counts, and it
 * may always import itself. `functions/README.md` and `training/README.md` show the same as two paths.
 */
const CORE = [
  'functions/image',
  'functions/runtime',
  'functions/catalogue',
  'functions/memory-budget.ts',
  'functions/bytes.ts',
  'functions/errors.ts',
];
/** The core's two doors to a disk. */
const FILES = ['functions/file-assets.ts', 'functions/file-modules.ts'];
const EDGE = ['functions/memory-budget.ts', 'functions/bytes.ts', 'functions/errors.ts'];
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'functions/index.ts': ['functions'],
  'functions/isolated.ts': ['functions'],
  'functions/classifier-entrypoint.ts': ['functions/routes/in-process.ts'],
  'functions/edge-host.ts': ['functions/host.ts', 'functions/wasm.ts'],
  'functions/edge-access.ts': ['functions/host.ts'],
  'functions/edge-images.ts': ['functions/host.ts', 'functions/errors.ts'],
  'functions/edge-webhooks.ts': ['functions/host.ts', 'functions/webhooks'],
  'functions/edge-jobs.ts': ['functions/host.ts', 'functions/jobs'],
  'functions/node.ts': ['functions'],
  'functions/node-host.ts': ['functions'],
  'functions/node-page.ts': ['functions/host.ts'],
  'functions/node-fetch.ts': ['functions/input', 'functions/errors.ts'],
  'functions/node-threads.ts': ['functions/file-modules.ts', 'functions/runtime'],
  'functions/node-thread.ts': ['functions/runtime'],
  'functions/node-types.d.ts': [],
  'functions/node-streams.d.ts': [],
  'functions/app.ts': [
    'functions/heads',
    'functions/receipts',
    'functions/jobs',
    'functions/access',
    'functions/input',
    'functions/webhooks',
    'functions/routes',
    'functions/middleware',
    'functions/host.ts',
    'functions/classify',
    'functions/catalogue',
    ...EDGE,
  ],
  'functions/routes': [
    'functions/heads',
    'functions/receipts',
    'functions/jobs',
    'functions/access',
    'functions/input',
    'functions/webhooks',
    'functions/classify',
    'functions/catalogue',
    'functions/host.ts',
    'functions/bytes.ts',
    'functions/errors.ts',
  ],
  'functions/client.ts': [
    'functions/client',
    'functions/routes',
    'functions/input',
    'functions/classify',
    'functions/errors.ts',
  ],
  /** In browsers: of the others types alone. */
  'functions/client': ['functions/routes', 'functions/input', 'functions/classify', 'functions/errors.ts'],
  'functions/middleware': ['functions/access', 'functions/host.ts', 'functions/bytes.ts', 'functions/errors.ts'],
  'functions/access': ['functions/bytes.ts', 'functions/errors.ts'],
  'functions/receipts': ['functions/errors.ts'],
  'functions/heads': ['functions/classify', 'functions/catalogue', 'functions/bytes.ts', 'functions/errors.ts'],
  'functions/jobs': [
    'functions/classify',
    'functions/catalogue',
    'functions/input',
    'functions/webhooks',
    'functions/bytes.ts',
    'functions/errors.ts',
  ],
  'functions/webhooks': ['functions/bytes.ts', 'functions/errors.ts'],
  'functions/classify': ['functions/catalogue', 'functions/image', 'functions/runtime', ...EDGE],
  'functions/input': EDGE,
  'functions/catalogue': ['functions/runtime', ...EDGE],
  'functions/image': ['functions/catalogue/manifest.ts', ...EDGE],
  'functions/runtime': ['functions/errors.ts'],
  'functions/runtime/int8/assembly': [],
  'functions/image/jpeg/assembly': [],
  'functions/memory-budget.ts': ['functions/errors.ts'],
  'functions/host.ts': ['functions/runtime'],
  'functions/bytes.ts': [],
  'functions/errors.ts': [],
  'functions/wasm.ts': [
    'functions/runtime/int8/build',
    'functions/image/jpeg/build',
    'functions/image/webp/build',
    'functions/image/avif/build',
  ],
  'functions/wasm-modules.d.ts': [],
  'functions/async-hooks.d.ts': [],
  'functions/file-assets.ts': ['functions/catalogue'],
  'functions/file-modules.ts': ['functions/catalogue', 'functions/runtime'],
  'functions/demo': [
    'functions/receipts',
    'functions/classify',
    'functions/catalogue',
    'functions/image',
    'functions/runtime',
    ...EDGE,
  ],
  'functions/deploy': ['functions/catalogue', 'functions/access', 'functions/webhooks', 'functions/file-assets.ts'],
  'training/terminal': [],
  'training/graph': [],
  'training/data': ['training/terminal', ...CORE],
  'training/architectures': ['training/graph'],
  'training/import': ['training/graph'],
  'training/weights': ['training/graph', 'training/data', 'training/architectures'],
  'training/onnx': [],
  'training/train': ['training/data', 'training/terminal', 'training/graph', 'training/architectures', 'training/onnx'],
  'training/compile': ['training/graph', 'training/data', ...CORE, ...FILES],
  'training/evaluate': ['training/graph', 'training/data', ...CORE, ...FILES],
  'training/report': ['training/graph', 'training/data', 'training/evaluate', ...CORE],
  'training/publish': ['training/graph', 'training/data', 'training/report', ...CORE],
  /** Commands: every stage, and the core. */
  training: ['training', 'functions/receipts', ...CORE, ...FILES],
};

const root = path.join(import.meta.dirname, '..');
const sources = ['functions', 'training'].flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file.split(path.sep).join('/')}`)
    .filter((file) => file.endsWith('.ts') && !/\/(build|\.wrangler)\//.test(file)),
);

const within = (file: string, room: string) => file === room || file.startsWith(`${room}/`);

function roomOf(file: string): string | undefined {
  return Object.keys(ROOMS)
    .filter((room) => within(file, room))
    .sort((a, b) => b.length - a.length)[0];
}

function importsOf(file: string): string[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  const pattern =
    /(?:^|\n)\s*(?:import|export)[^'";]*?from\s*'([^']+)'|(?:^|\n)\s*import\s*'([^']+)'|\bimport\('([^']+)'\)/g;
  return Array.from(text.matchAll(pattern), (match) => match[1] ?? match[2] ?? match[3] ?? '');
}

describe('arrows', () => {
  it('reads the imports that there are', () => {
    expect(sources.length).toBeGreaterThan(20);
    expect(importsOf('functions/app.ts')).toContain('./routes/classify.ts');
  });

  it.each(sources)('%s stays within its room', (file) => {
    const room = roomOf(file);
    expect(room, `${file} belongs to no room`).toBeDefined();
    for (const name of importsOf(file)) {
      if (!name.startsWith('.')) continue;
      const target = path.posix.join(path.posix.dirname(file), name);
      const allowed = [room ?? '', ...(ROOMS[room ?? ''] ?? [])];
      expect(
        allowed.some((place) => within(target, place)),
        `${file} may not import ${target}`,
      ).toBe(true);
      if (within(target, 'functions/runtime/int8/reference')) {
        expect(
          within(file, 'functions') && !within(file, 'functions/runtime/int8/reference'),
          `${file}: the reference is for tests and training`,
        ).toBe(false);
      }
    }
  });

  it('keeps the platform out of the core, and .wasm imports in one file', () => {
    for (const file of sources) {
      const names = importsOf(file);
      if (CORE.some((room) => within(file, room))) {
        expect(
          names.filter((name) => /^(node:|cloudflare:|hono)/.test(name)),
          file,
        ).toEqual([]);
      }
      if (file !== 'functions/wasm.ts')
        expect(
          names.filter((name) => name.endsWith('.wasm')),
          file,
        ).toEqual([]);
    }
  });
});

describe('files', () => {
  it.each(sources)('%s has a name that says something and is short enough to read', (file) => {
    expect(path.basename(file, '.ts')).not.toMatch(/^(utils?|helpers?|common|misc)$/);
    const lines = readFileSync(path.join(root, file), 'utf8').split('\n').length;
    expect(lines, `${file} has ${lines} lines`).toBeLessThanOrEqual(251);
  });

  it.each(['functions/README.md', 'training/README.md', 'functions/runtime/int8/README.md'])(
    '%s is there, within 120 lines',
    (file) => {
      expect(readFileSync(path.join(root, file), 'utf8').split('\n').length).toBeLessThanOrEqual(121);
    },
  );
});
