import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDirectly } from '../bench/direct-worker.ts';
import { garment } from '../clients/service.ts';
import type { Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await startDirectly();
});
afterAll(() => service?.stop());

interface Answered {
  readonly predictions: { label: string }[];
  readonly cascade?: { answered_by: string };
}
async function ask(model: string, name: string): Promise<Answered> {
  const answer = await fetch(`${service.base}/classify/${model}`, { method: 'POST', body: garment(name) });
  expect(answer.status).toBe(200);
  return (await answer.json()) as Answered;
}

describe('POST /classify/auto', () => {
  it('agrees with the large network on the committed images, and leaves most to the small one', async () => {
    const files = readdirSync(new URL('../fixtures/fashion/', import.meta.url)).filter((name) => name.endsWith('.png'));
    let [same, byFirst] = [0, 0];
    for (const file of files) {
      const [auto, large] = [await ask('auto', file), await ask('fashion-resnet', file)];
      if (auto.predictions[0]?.label === large.predictions[0]?.label) same++;
      if (auto.cascade?.answered_by === 'first') byFirst++;
    }
    console.log(`auto: ${same} of ${files.length} as fashion-resnet, ${byFirst} by the small network`);
    expect(files.length).toBeGreaterThanOrEqual(200);
    expect(same / files.length).toBeGreaterThanOrEqual(0.98);
    expect(byFirst / files.length).toBeGreaterThan(0.6);
    expect(byFirst).toBeLessThan(files.length);
  });
});
