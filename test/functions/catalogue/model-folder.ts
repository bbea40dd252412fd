import { sha256Hex } from '../../../functions/bytes.ts';
import type { AssetSource } from '../../../functions/catalogue/assets.ts';
import { modelIndex } from '../../../functions/catalogue/versions.ts';

/** A model folder in memory: Flatten → Dense 2 softmax on 1x2 grey; class 1 wins where the right pixel is brighter. */
export async function memoryModel(id: string): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const topology = {
    format: 'layers-model',
    modelTopology: {
      class_name: 'Sequential',
      config: {
        name: 'm',
        layers: [
          { class_name: 'Flatten', config: { name: 'flatten', batch_input_shape: [null, 1, 2, 1], dtype: 'float32' } },
          { class_name: 'Dense', config: { name: 'dense', units: 2, activation: 'softmax', use_bias: false } },
        ],
      },
    },
    weightsManifest: [{ paths: ['w.bin'], weights: [{ name: 'dense/kernel', shape: [2, 2], dtype: 'float32' }] }],
  };
  const files = new Map<string, Uint8Array<ArrayBuffer>>([
    ['model.json', json(topology)],
    ['w.bin', new Uint8Array(Float32Array.of(1, 0, 0, 1).buffer)],
    ['labels.json', json([{ label: 'left' }, { label: 'right' }])],
  ]);
  const roles = { 'model.json': 'topology', 'w.bin': 'weights', 'labels.json': 'labels' } as const;
  const listed = await Promise.all(
    Array.from(files, async ([path, bytes]) => ({
      path,
      role: roles[path as keyof typeof roles],
      bytes: bytes.length,
      sha256: await sha256Hex(bytes),
    })),
  );
  files.set(
    'manifest.json',
    json({
      format: 1,
      id,
      version: '0'.repeat(64),
      revision: 1,
      title: id,
      runtime: 'tfjs',
      task: 'image-classification',
      parameters: 4,
      classes: 2,
      input: {
        width: 2,
        height: 1,
        channels: 'grey',
        resize: { rule: 'stretch', width: 2, height: 1, filter: 'area' },
        scale: [1 / 255],
        offset: [0],
      },
      output: { kind: 'softmax', temperature: 1 },
      files: listed,
      memory: { weights: 16, arena: 1_000_000, total: 1_000_016 },
      provenance: { source: 'test', licence: 'none', command: 'none' },
    }),
  );
  return files;
}

/**
 * A revision of {@link memoryModel}, to stand in a folder `<id>` or `<id>@<revision>`. Where its weights are `crossed`,
 * it says the contrary.
 */
export async function memoryVersion(id: string, revision: number, { crossed = false, temperature = 1 } = {}) {
  const files = await memoryModel(id);
  const manifest = JSON.parse(new TextDecoder().decode(files.get('manifest.json')));
  const weights = new Uint8Array(Float32Array.from(crossed ? [0, 1, 1, 0] : [1, 0, 0, 1]).buffer);
  const sha256 = await sha256Hex(weights);
  const listed = manifest.files.map((file: { role: string }) => (file.role === 'weights' ? { ...file, sha256 } : file));
  const version = await sha256Hex(json([sha256, temperature]));
  files.set('w.bin', weights);
  const output = { kind: 'softmax', temperature };
  return files.set('manifest.json', json({ ...manifest, version, revision, output, files: listed }));
}

/** Assets over such folders; `opened` counts how often each file was read. @param traffic of `models/traffic.json` */
export function memoryAssets(
  models: ReadonlyMap<string, ReadonlyMap<string, Uint8Array<ArrayBuffer>>>,
  traffic?: unknown,
) {
  const opened = new Map<string, number>();
  const assets: AssetSource = {
    async open(path) {
      opened.set(path, (opened.get(path) ?? 0) + 1);
      if (path === 'index.json') {
        const folders = Array.from(models, ([name, files]) => ({ name, manifest: manifestOf(files) }));
        return stream(json(modelIndex(folders, traffic)));
      }
      const [id = '', file = ''] = path.split('/');
      const bytes = models.get(id)?.get(file);
      return bytes ? stream(bytes) : null;
    },
  };
  return { assets, opened };
}

function manifestOf(files: ReadonlyMap<string, Uint8Array>): { id: string; revision: number } | null {
  const bytes = files.get('manifest.json');
  return bytes ? JSON.parse(new TextDecoder().decode(bytes)) : null;
}

export const json = (value: unknown): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(JSON.stringify(value)) as Uint8Array<ArrayBuffer>;

/** In pieces of 5 bytes, as a network might. */
function stream(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, at + 5));
      at += 5;
    },
  });
}
