import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDirectly } from '../bench/direct-worker.ts';
import { BOOT, garment } from '../clients/service.ts';
import type { Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await startDirectly();
});
afterAll(() => service?.stop());

interface Answered {
  readonly predictions: { label: string; score: number }[];
  readonly groups?: { label: string; score: number; of: { label: string }[]; within: string[] }[];
}
async function ask(query: string, name = BOOT): Promise<Answered> {
  const body = garment(name);
  const answer = await fetch(`${service.base}/classify/fashion-resnet${query}`, { method: 'POST', body });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Answered;
}

describe('groups of Fashion-MNIST over HTTP', () => {
  it('say that a boot is a shoe, and that a shirt is a top of the clothing', async () => {
    const boot = await ask('?rollup=1');
    expect(boot.groups?.[0]).toMatchObject({ label: 'shoe', of: [{ label: 'Ankle boot' }, {}, {}], within: [] });
    const top = await ask('?rollup=1', '6-0004.png');
    expect(top.groups?.[0]).toMatchObject({ label: 'top', within: ['clothing'] });
    const { predictions } = await ask('?top_k=10', '6-0004.png');
    const tops = ['T-shirt/top', 'Pullover', 'Coat', 'Shirt'];
    const sum = predictions.reduce((total, { label, score }) => total + (tops.includes(label) ? score : 0), 0);
    expect(top.groups?.[0]?.score).toBeCloseTo(sum, 5);
  });

  it('choose among the shoes alone', async () => {
    const { predictions } = await ask('?within=shoe');
    expect(predictions.map(({ label }) => label).sort()).toEqual(['Ankle boot', 'Sandal', 'Sneaker']);
    expect(predictions.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 5);
  });

  it('are told of with the model', async () => {
    const model = (await (await fetch(`${service.base}/models/fashion-resnet`)).json()) as {
      groups: { label: string; classes: number[] }[];
    };
    expect(model.groups.find(({ label }) => label === 'clothing')?.classes).toEqual([0, 1, 2, 3, 4, 6]);
  });
});
