import { expect, it } from 'vitest';
import { ImageFuzzer } from '../../fuzz/image-fuzzer.ts';
import { Subject } from '../../fuzz/subject.ts';

const FILES = 800;

/** `npm run test:fuzz` runs as many as one likes. */
it('damaged pictures are decoded or refused by name, within their time and memory, and leave nothing reserved', async () => {
  const fuzzer = await ImageFuzzer.of(['jpeg', 'png', 'webp', 'avif', 'gif'], 7);
  const subject = new Subject();
  const defects: string[] = [];
  let decoded = 0;
  for (let i = 0; i < FILES; i++) {
    const mutant = fuzzer.next();
    const outcome = await subject.check(mutant.file);
    if (outcome.defect) defects.push(`${mutant.format}, file ${i}: ${outcome.defect}`);
    if (outcome.decoded) decoded++;
    fuzzer.saw(mutant, outcome.class);
  }
  expect(defects).toEqual([]);
  // Damage that always shows at once would test the first check alone.
  expect(decoded).toBeGreaterThan(FILES / 10);
  expect(decoded).toBeLessThan(FILES);
}, 120_000);
