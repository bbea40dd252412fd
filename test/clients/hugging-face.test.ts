import { InferenceClient, InferenceClientProviderApiError } from '@huggingface/inference';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Service } from '../e2e/service.ts';
import { BOOT, garment, MODEL, startForClients } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await startForClients();
});
afterAll(() => service?.stop());

const hf = new InferenceClient();
const endpoint = (query = '', model = MODEL) => `${service.base}/hf/models/${model}${query}`;
const bytes = new Uint8Array(garment(BOOT)).buffer;

async function native(): Promise<{ label: string; score: number }[]> {
  const answer = await fetch(`${service.base}/classify/${MODEL}`, { method: 'POST', body: bytes });
  const { predictions } = (await answer.json()) as { predictions: { label: string; score: number }[] };
  return predictions.map(({ label, score }) => ({ label, score }));
}

describe('@huggingface/inference', () => {
  it.each([
    ['a Blob', new Blob([bytes], { type: 'image/png' })],
    // Sent without a content type.
    ['an ArrayBuffer', bytes],
  ])('classifies %s as the native route does', async (_name, data) => {
    const labels = await hf.imageClassification({ endpointUrl: endpoint(), data });
    expect(labels).toEqual(await native());
    expect(labels[0]?.label).toBe('Ankle boot');
  });

  it('has its parameters from the address, for it drops those of a call with bytes', async () => {
    const labels = await hf.imageClassification({ endpointUrl: endpoint('?top_k=2'), data: bytes });
    expect(labels).toEqual((await native()).slice(0, 2));
  });

  it('has embeddings as the native route does', async () => {
    const answer = await fetch(`${service.base}/embed/${MODEL}`, { method: 'POST', body: bytes });
    const { embeddings } = (await answer.json()) as { embeddings: { dims: number; data: number[] }[] };
    const inputs = garment(BOOT).toString('base64');
    const vector = await hf.featureExtraction({ endpointUrl: endpoint('/pipeline/feature-extraction'), inputs });
    expect(vector).toEqual(embeddings[0]?.data);
    expect(embeddings[0]?.dims).toBe(128);
    expect(Math.hypot(...(vector as number[]))).toBeCloseTo(1, 5);
  });

  it('passes on what is refused, with the request id', async () => {
    const error = await hf
      .imageClassification({ endpointUrl: endpoint('', 'no-such-model'), data: bytes })
      .catch((thrown: unknown) => thrown);
    if (!(error instanceof InferenceClientProviderApiError)) throw error;
    expect(error.message).toContain('There is no model "no-such-model"');
    expect(error.httpResponse).toMatchObject({ status: 404, requestId: expect.stringMatching(/^[\w-]{8,}$/) });
  });
});
