import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../functions/bytes.ts';
import { protectedService } from '../access/protected-service.ts';
import { memoryAssets, memoryVersion } from '../catalogue/model-folder.ts';

const latest = await memoryVersion('m', 2, { crossed: true });
const folders = new Map([
  ['m@1', await memoryVersion('m', 1)],
  ['m', latest],
]);
const { app } = await protectedService({}, {
  models: memoryAssets(folders).assets,
  access: undefined,
} as Parameters<typeof protectedService>[1]);
const get = async (path: string, headers: Record<string, string> = {}) => app.request(path, { headers });

describe('the files of a model', () => {
  it('are those that its manifest lists, byte for byte', async () => {
    const manifest = (await (await get('/models/m/files/manifest.json')).json()) as {
      files: { path: string; sha256: string }[];
    };
    expect(manifest).toEqual(JSON.parse(new TextDecoder().decode(latest.get('manifest.json'))));
    expect(manifest.files.length).toBeGreaterThan(1);
    for (const { path, sha256 } of manifest.files) {
      const answer = await get(`/models/m/files/${path}`);
      expect(answer.headers.get('etag')).toBe(`"${sha256.slice(0, 32)}"`);
      expect(await sha256Hex(new Uint8Array(await answer.arrayBuffer()))).toBe(sha256);
    }
  });

  it('are not sent again to who has them', async () => {
    const etag = (await get('/models/m/files/labels.json')).headers.get('etag') ?? '';
    const again = await get('/models/m/files/labels.json', { 'if-none-match': etag });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  it('are of the version that is named', async () => {
    const answer = await get('/models/m@1/files/manifest.json');
    expect(await answer.json()).toMatchObject({ id: 'm', revision: 1 });
  });

  it.each([
    '/models/m/files/other.bin',
    '/models/m/files/..%2Fm@1%2Fmanifest.json',
    '/models/m/files/%2e%2e',
    '/models/none/files/manifest.json',
  ])('and nothing else: %s', async (path) => {
    const answer = await get(path);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  });
});
