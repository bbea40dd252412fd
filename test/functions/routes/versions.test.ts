import { beforeAll, describe, expect, it } from 'vitest';
import { protectedService } from '../access/protected-service.ts';
import { memoryAssets, memoryVersion } from '../catalogue/model-folder.ts';
import { PNG, picture } from './small-service.ts';

/** Revision 1 of `m` says right, 2 left, 3 right again but less surely; `broken` has a canary that cannot be read. */
async function folders() {
  const broken = await memoryVersion('broken', 2);
  broken.set('labels.json', new Uint8Array(3));
  return new Map([
    ['m@1', await memoryVersion('m', 1)],
    ['m@2', await memoryVersion('m', 2, { crossed: true })],
    ['m', await memoryVersion('m', 3, { temperature: 4 })],
    ['broken@1', await memoryVersion('broken', 1)],
    ['broken', broken],
    ['single', await memoryVersion('single', 7)],
  ]);
}

// biome-ignore lint/suspicious/noExplicitAny: each test knows the form that it expects
type Json = any;

async function service(traffic: unknown) {
  const { app } = await protectedService({}, {
    models: memoryAssets(await folders(), traffic).assets,
    access: undefined,
  } as Parameters<typeof protectedService>[1]);
  const read = async (answer: Response) => ({
    status: answer.status,
    revision: answer.headers.get('x-model-revision'),
    version: answer.headers.get('x-model-version'),
    json: (await answer.json()) as Json,
  });
  const get = async (path: string) => read(await app.request(path));
  const post = async (path: string, body: BodyInit, type = 'application/json') =>
    read(await app.request(path, { method: 'POST', body, headers: { 'content-type': type } }));
  return { get, post };
}

const TRAFFIC = { m: { stable: 1, canary: 2 }, broken: { stable: 1, canary: 2, canary_percent: 0 } };
let open: Awaited<ReturnType<typeof service>>;
beforeAll(async () => {
  open = await service(TRAFFIC);
});

const predict = JSON.stringify({ instances: [{ b64: PNG }] });
const infer = JSON.stringify({ inputs: [{ name: 'input', shape: [1], datatype: 'BYTES', data: [PNG] }] });

describe('a version or label', () => {
  it.each([
    ['/classify/m', '1'],
    ['/classify/m@1', '1'],
    ['/classify/m@2', '2'],
    ['/classify/m@3', '3'],
    ['/classify/m%402', '2'],
    ['/classify/m@stable', '1'],
    ['/classify/m@canary', '2'],
    ['/classify/single', '7'],
  ])('is asked at %s', async (path, revision) => {
    const answer = await open.post(path, picture, 'image/png');
    expect([answer.status, answer.revision]).toEqual([200, revision]);
    expect(answer.json.model).toMatchObject({ revision: Number(revision), version: answer.version });
    expect(answer.json.predictions[0].label).toBe(revision === '2' ? 'left' : 'right');
  });

  it.each([
    ['/v1/models/m:predict', '1'],
    ['/v1/models/m/versions/2:predict', '2'],
    ['/v1/models/m/versions/003:predict', '3'],
    ['/v1/models/m/labels/stable:predict', '1'],
    ['/v1/models/m/labels/canary:predict', '2'],
  ])('is asked at TensorFlow Serving’s %s', async (path, revision) => {
    const { status, revision: spoke, json } = await open.post(path, predict);
    expect([status, spoke]).toEqual([200, revision]);
    const [left, right] = json.predictions[0];
    expect(left > right).toBe(revision === '2');
  });

  it.each([
    ['/v2/models/m/infer', '1'],
    ['/v2/models/m/versions/2/infer', '2'],
    ['/v2/models/m/versions/canary/infer', '2'],
    ['/v2/models/m/versions/3/infer', '3'],
  ])('is asked at %s of the Open Inference Protocol', async (path, revision) => {
    const { status, revision: spoke, json } = await open.post(path, infer);
    expect([status, spoke, json.model_version]).toEqual([200, revision, revision]);
    const [left, right] = json.outputs[0].data;
    expect(left > right).toBe(revision === '2');
  });

  it.each([
    ['/hf/models/m', 'right'],
    ['/hf/models/m@2', 'left'],
    ['/hf/models/m@canary', 'left'],
  ])('is asked at Hugging Face’s %s', async (path, label) => {
    expect((await open.post(path, picture, 'image/png')).json[0].label).toBe(label);
  });
});

describe('one that is not there', () => {
  it.each([
    ['/classify/m@9', 404, /no version 9 of "m".*Ask for one of: 3, 2, 1, stable, canary/],
    ['/classify/single@canary', 404, /no version canary of "single"/],
    ['/classify/m@@', 404, /no version @ of "m"/],
    ['/hf/models/m@9', 404, /no version 9/],
    ['/v1/models/m/versions/9:predict', 404, /Servable not found for request: Specific\(m, 9\)/],
    ['/v1/models/m/labels/old:predict', 400, /Unrecognized servable version label: old.*canary or stable/],
    ['/v1/models/m/labels/1:predict', 400, /Unrecognized servable version label: 1/],
    ['/v1/models/single/labels/canary:predict', 400, /label: canary/],
    ['/v1/models/none/labels/stable:predict', 404, /Servable not found/],
    ['/v2/models/m/versions/9/infer', 404, /no version 9/],
    ['/v2/models/m@1/versions/2/infer', 404, /no version 1@2/],
  ])('%s is %i in the form of its protocol', async (path, status, says) => {
    const raw = path.startsWith('/classify') || path.startsWith('/hf');
    const { status: got, json } = await open.post(path, raw ? picture : infer, raw ? 'image/png' : undefined);
    expect(got).toBe(status);
    expect(path.startsWith('/classify') ? json.detail : json.error).toMatch(says);
  });
});

describe('what is said of versions', () => {
  it('GET /models/{id} lists them with labels and shares; of others it says what it said', async () => {
    const canary = await service({ m: { stable: 1, canary: 2, canary_percent: 12.5 } });
    const { json } = await canary.get('/models/m');
    expect(json.revision).toBe(1);
    expect(json.versions).toMatchObject([
      { revision: 3, labels: [], percent: 0 },
      { revision: 2, labels: ['canary'], percent: 12.5 },
      { revision: 1, labels: ['stable'], percent: 87.5 },
    ]);
    expect(new Set(json.versions.map(({ version }: { version: string }) => version)).size).toBe(3);
    expect((await canary.get('/models/m@3')).json).toMatchObject({ revision: 3, output: { temperature: 4 } });
    expect((await canary.get('/models/single')).json.versions).toMatchObject([
      { revision: 7, labels: ['stable'], percent: 100 },
    ]);
    expect((await canary.get('/models')).json.models.map(({ revision }: { revision: number }) => revision)).toEqual([
      1, 7,
    ]);
  });

  it('TensorFlow Serving’s status has all, or the one that is named', async () => {
    const of = async (path: string) =>
      (await open.get(path)).json.model_version_status.map(({ version }: { version: string }) => version);
    expect(await of('/v1/models/m')).toEqual(['3', '2', '1']);
    expect(await of('/v1/models/m/versions/2')).toEqual(['2']);
    expect(await of('/v1/models/m/labels/canary')).toEqual(['2']);
    expect((await open.get('/v1/models/m/labels/canary/metadata')).json.model_spec.version).toBe('2');
  });

  it('the Open Inference Protocol’s metadata, index and statistics have all', async () => {
    expect((await open.get('/v2/models/m')).json.versions).toEqual(['3', '2', '1']);
    expect((await open.get('/v2/models/m/versions/2')).json.versions).toEqual(['2']);
    const { json } = await open.post('/v2/repository/index', '{}');
    const ready = json.filter(({ name }: { name: string }) => name === 'm');
    expect(ready.map(({ version, state }: Json) => [version, state])).toEqual([
      ['3', 'READY'],
      ['2', 'READY'],
      ['1', 'READY'],
    ]);
    const counts = async () =>
      Object.fromEntries(
        (await open.get('/v2/models/m/stats')).json.model_stats.map((stat: Json) => [
          stat.version,
          stat.inference_count,
        ]),
      );
    const before = await counts();
    await open.post('/v2/models/m/versions/3/infer', infer);
    expect(await counts()).toEqual({ ...before, 3: before['3'] + 1 });
  });

  it('a canary that cannot be read harms neither the stable version nor other models', async () => {
    expect((await open.post('/classify/broken', picture, 'image/png')).status).toBe(200);
    expect((await open.post('/classify/broken@canary', picture, 'image/png')).status).toBe(503);
    expect((await open.post('/classify/m', picture, 'image/png')).status).toBe(200);
  });
});

describe('traffic', () => {
  /** 200 pictures that are told apart by bytes behind their end. */
  const pictures = Array.from({ length: 200 }, (_, i) => Uint8Array.of(...picture, i));
  const spoken = async (asked: Awaited<ReturnType<typeof service>>, path: string) => {
    const answers: (string | null)[] = [];
    for (const one of pictures) answers.push((await asked.post(path, one, 'image/png')).revision);
    return answers;
  };

  it('goes to the canary by its share, the same picture to the same one, whichever route it takes', async () => {
    const split = await service({ m: { stable: 1, canary: 2, canary_percent: 30 } });
    const first = await spoken(split, '/classify/m');
    const share = first.filter((revision) => revision === '2').length / pictures.length;
    // Four standard deviations.
    expect(Math.abs(share - 0.3)).toBeLessThan(0.13);
    expect(await spoken(split, '/classify/m')).toEqual(first);
    expect(await spoken(split, '/hf/models/m')).toEqual(first);
    expect(new Set(await spoken(split, '/classify/m@stable'))).toEqual(new Set(['1']));
  });

  it('of several pictures in a request is one version, that of the first that can be read', async () => {
    const split = await service({ m: { stable: 1, canary: 2, canary_percent: 50 } });
    const first = await spoken(split, '/classify/m');
    for (const revision of ['1', '2']) {
      const own = pictures[first.indexOf(revision)] ?? picture;
      const other = pictures[first.findIndex((one) => one !== revision)] ?? picture;
      const images = ['%%', ...[own, other].map((bytes) => btoa(String.fromCharCode(...bytes)))];
      const { json } = await split.post('/classify/m', JSON.stringify({ images }));
      expect(json.results.map(({ status }: { status: number }) => status)).toEqual([400, 200, 200]);
      expect(json.model.revision).toBe(Number(revision));
      const label = revision === '2' ? 'left' : 'right';
      expect(json.results.slice(1).map(({ predictions }: Json) => predictions[0].label)).toEqual([label, label]);
    }
  });

  it('of tensors goes by what was sent', async () => {
    const all = await service({ m: { stable: 1, canary: 2, canary_percent: 100 } });
    expect((await all.post('/v1/models/m:predict', predict)).revision).toBe('2');
    expect((await all.post('/v2/models/m/infer', infer)).json.model_version).toBe('2');
  });

  it('is rolled back by one line', async () => {
    const spoke = async (line: object) =>
      (await (await service({ m: line })).post('/classify/m', picture, 'image/png')).revision;
    expect(await spoke({ stable: 3 })).toBe('3');
    expect(await spoke({ stable: 2 })).toBe('2');
  });
});
