import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { garment } from '../clients/service.ts';
import { type Service, startService } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service?.stop());

const post = async (path: string, body: BodyInit) => {
  const answer = await fetch(service.base + path, { method: 'POST', body });
  expect(answer.status).toBe(200);
  // biome-ignore lint/suspicious/noExplicitAny: each call knows the form that it expects
  return (await answer.json()) as any;
};

const CLASSES = [
  ['boots', 9],
  ['bags', 8],
  ['trousers', 1],
] as const;
const files = readdirSync(new URL('../fixtures/fashion/', import.meta.url)).filter((name) => name.endsWith('.png'));
const of = (label: number) => files.filter((name) => name.startsWith(`${label}-`));

describe('classes of your own over HTTP', () => {
  it('are made of five pictures each, and tell others apart; /models says what is measured of the base', async () => {
    const made = await fetch(`${service.base}/heads/wardrobe`, { method: 'PUT', body: '{"base":"fashion-cnn"}' });
    expect(made.status).toBe(200);
    for (const [name, label] of CLASSES) {
      const form = new FormData();
      for (const file of of(label).slice(0, 5)) form.append('images', new Blob([garment(file)]));
      expect((await post(`/heads/wardrobe/classes/${name}`, form)).added).toBe(5);
    }
    let right = 0;
    for (const [name, label] of CLASSES) {
      for (const file of of(label).slice(5, 15)) {
        const { predictions, head } = await post('/classify/fashion-cnn?head=wardrobe', garment(file));
        expect(head.id).toBe('wardrobe');
        if (predictions[0].label === name) right++;
      }
    }
    expect(right).toBeGreaterThanOrEqual(28);
    const { certainty } = (await (await fetch(`${service.base}/models/fashion-cnn`)).json()) as {
      certainty: { unknown: { method: string } };
    };
    expect(certainty.unknown.method).toBe('prototype');
  });

  it('are made by the examples of functions/routes/README.md', async () => {
    const page = readFileSync(new URL('../../functions/routes/README.md', import.meta.url), 'utf8');
    const lines = page.split('\n').filter((line) => line.startsWith('curl') && line.includes('shelf'));
    const fixtures = fileURLToPath(new URL('../fixtures/fashion/', import.meta.url));
    const answers: string[] = [];
    for (const line of lines) {
      const command = line.replaceAll('@boot.png', '@9-0000.png');
      const options = { cwd: fixtures, env: { ...process.env, BASE: service.base } };
      answers.push((await promisify(execFile)('bash', ['-c', command], options)).stdout);
    }
    expect(answers.map((text) => JSON.parse(text))).toMatchObject([
      { id: 'shelf', classes: [] },
      { label: 'boots', added: 2 },
      { predictions: [{ label: 'boots', score: 1 }], head: { id: 'shelf' } },
    ]);
  });

  it('say what is unknown, a near tie, and a set of labels', async () => {
    const answer = await post('/classify/fashion-cnn?coverage=0.95', garment('9-0000.png'));
    expect(answer).toMatchObject({ near_tie: false, unknown: { is_unknown: false }, label_set: { coverage: 0.95 } });
    expect(answer.label_set.labels[0].label).toBe('Ankle boot');
  });
});
