import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDirectly } from '../bench/direct-worker.ts';
import { shared } from '../fixtures/shared.ts';
import type { Service } from './service.ts';

const folder = shared('data/airplane/test');
const CLASSES = ['airplane', 'other'];
/** Of 2,000 test pictures; what the card says stands on all of them. A standard error is 1.2 points here. */
const EVERY = 4;
const FLOOR = 0.9;

describe.skipIf(!folder)('airplane over HTTP (needs the test photographs)', () => {
  let service: Service;
  beforeAll(async () => {
    service = await startDirectly();
  });
  afterAll(() => service?.stop());

  it(`is right on at least ${100 * FLOOR} % of every fourth test photograph, JPEG in`, async () => {
    const seen: boolean[] = [];
    for (const label of CLASSES) {
      const files = readdirSync(path.join(folder ?? '', label)).filter((_, i) => i % EVERY === 0);
      for (const file of files) {
        const answer = await fetch(`${service.base}/classify/airplane`, {
          method: 'POST',
          body: readFileSync(path.join(folder ?? '', label, file)),
          headers: { 'content-type': 'image/jpeg' },
        });
        expect(answer.status, `${label}/${file}`).toBe(200);
        const { predictions } = (await answer.json()) as { predictions: { label: string }[] };
        seen.push(predictions[0]?.label === label);
      }
    }
    const share = seen.filter((right) => right).length / seen.length;
    console.log(`airplane over HTTP: ${(100 * share).toFixed(2)} % of ${seen.length}`);
    expect(seen.length).toBeGreaterThanOrEqual(400);
    expect(share).toBeGreaterThanOrEqual(FLOOR);
  });
});
