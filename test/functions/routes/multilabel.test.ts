import { beforeAll, describe, expect, it } from 'vitest';
import { type Manifest, taskFault } from '../../../functions/catalogue/manifest.ts';
import { MULTILABEL, PNG, picture, smallService } from './small-service.ts';

let service: Awaited<ReturnType<typeof smallService>>;
beforeAll(async () => {
  service = await smallService();
});

const sigmoid = (logit: number) => 1 / (1 + Math.exp(-logit));
const near = (value: number) => expect.closeTo(value, 6);
/** The pixels 10 and 200 give the logits 0.1 and 2: below 0.9, the second is not named. */
const left = { label: 'left', score: near(sigmoid(0.1)) };
const right = { label: 'right', score: near(sigmoid(2)) };

async function classified(
  query: string,
): Promise<{ status: number; body: { predictions: object[] } & Record<string, unknown> }> {
  const answer = await service.post(`/classify/multilabel${query}`, picture);
  return { status: answer.status, body: await answer.json() };
}

describe('of a multi-label model', () => {
  it.each<[query: string, predictions: object[]]>([
    ['', [{ ...left, index: 0 }]],
    [
      '?min_score=0.2',
      [
        { ...right, index: 1 },
        { ...left, index: 0 },
      ],
    ],
    ['?min_score=0.2&top_k=1', [{ ...right, index: 1 }]],
    ['?min_score=0.6', [{ ...right, index: 1 }]],
    ['?labels=right', []],
    ['?labels=right&min_score=0', [{ ...right, index: 1 }]],
  ])(
    'POST /classify%s names every class that reaches its threshold, or the least score asked for',
    async (query, predictions) => {
      const { status, body } = await classified(query);
      expect(status).toBe(200);
      expect(body).toMatchObject({ near_tie: null, unknown: null });
      expect(body.predictions).toEqual(predictions);
    },
  );

  it.each(['rollup=1', 'within=a', 'coverage=0.9', 'reject_unknown=1'])('%s is refused, by name', async (option) => {
    const { status, body } = await classified(`?${option}`);
    expect(status).toBe(422);
    expect(body).toMatchObject({ errors: [{ pointer: `#/${option.split('=')[0]}` }] });
  });

  it('tensors have the sigmoid of each class, lists those that reach their thresholds', async () => {
    const [a, b] = [sigmoid(0.1), sigmoid(2)];
    const pixels = [10 / 255, 200 / 255];
    const predict = await service.postJson('/v1/models/multilabel:predict', {
      instances: [[[[pixels[0]], [pixels[1]]]]],
    });
    expect(predict.json).toEqual({ predictions: [[near(a), near(b)]] });
    const examples = [{ image: { b64: PNG } }];
    const list = await service.postJson('/v1/models/multilabel:classify', { examples });
    expect(list.json).toEqual({ results: [[['left', near(a)]]] });
    const tensor = { name: 'input', shape: [1, 1, 2, 1], datatype: 'FP32', data: pixels };
    const infer = await service.postJson('/v2/models/multilabel/infer', { inputs: [tensor] });
    expect(infer.json.outputs[0].data).toEqual([near(a), near(b)]);
    expect(await (await service.post('/hf/models/multilabel', picture)).json()).toEqual([left]);
    expect(await (await service.post('/hf/models/multilabel?top_k=5', picture)).json()).toEqual([right, left]);
  });

  it.each<[what: string, output: object, fault: RegExp]>([
    ['too few thresholds', { ...MULTILABEL.output, thresholds: [0.5] }, /1 thresholds for 2 classes/],
    ['softmax', { ...MULTILABEL.output, kind: 'softmax' }, /takes logits/],
    ['none', { kind: 'logits', temperature: 1 }, /0 thresholds for 2 classes/],
  ])('a manifest with %s is at fault', (_, output, fault) => {
    expect(taskFault({ task: 'multilabel', classes: 2, output } as unknown as Manifest)).toMatch(fault);
    expect(
      taskFault({ task: 'image-classification', classes: 2, output: MULTILABEL.output } as unknown as Manifest),
    ).toMatch(/task is not multilabel/);
  });
});
