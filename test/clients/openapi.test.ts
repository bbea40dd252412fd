import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../e2e/service.ts';

let service: Service;
let described: Awaited<ReturnType<typeof read>>;
beforeAll(async () => {
  service = await startService();
  described = await read();
});
afterAll(() => service?.stop());

interface Operation {
  readonly operationId: string;
  readonly tags: string[];
  readonly summary: string;
  readonly responses: Record<string, unknown>;
  readonly parameters?: { name: string; in: string }[];
}

async function read() {
  const answer = await fetch(`${service.base}/openapi.json`);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  return (await answer.json()) as {
    openapi: string;
    tags: { name: string }[];
    paths: Record<string, Record<string, Operation>>;
  };
}

describe('/openapi.json', () => {
  it('names each operation once, describes its parameters and its errors', () => {
    const { paths, tags } = described;
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.values(methods).map((operation) => ({ path, ...operation })),
    );
    expect(operations.length).toBeGreaterThan(30);
    const ids = operations.map(({ operationId }) => operationId);
    expect(ids).toEqual([...new Set(ids)]);
    for (const { path, operationId, parameters = [], responses, summary, tags: own } of operations) {
      const named = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name);
      expect(
        parameters.filter((one) => one.in === 'path').map(({ name }) => name),
        operationId,
      ).toEqual(named);
      expect(
        Object.keys(responses).some((status) => /^[45]/.test(status)),
        operationId,
      ).toBe(true);
      expect(summary, operationId).toMatch(/\S/);
      expect(tags.map(({ name }) => name)).toContain(own[0]);
    }
  });

  it('describes only addresses that answer', async () => {
    const { paths } = described;
    for (const [path, methods] of Object.entries(paths)) {
      const address = path
        .replace('{model}', 'fashion-mlp')
        .replace('{version}', '1')
        .replace('{label}', 'stable')
        .replace('{file}', 'manifest.json');
      for (const [method, { tags }] of Object.entries(methods)) {
        // Off here, as under npm start.
        if (tags.includes('Access')) continue;
        const answer = await fetch(service.base + address, { method: method.toUpperCase() });
        const text = await answer.text();
        // A call without a body is refused for that, and braces are in no name of a head; /v2/repository/index needs none.
        const expected = (method === 'get' && !path.startsWith('/heads/{')) || address.endsWith('/index') ? 200 : 400;
        const isUnknown = /^\/(jobs|hooks)\/\{/.test(path);
        expect([method, address, answer.status]).toEqual([method, address, isUnknown ? 404 : expected]);
        if (path.startsWith('/jobs/')) expect(text).toContain('/problems#job-unknown');
      }
    }
  });
});

describe('/docs', () => {
  it('shows every operation, and brings all that it needs', async () => {
    const { paths } = described;
    const answer = await fetch(`${service.base}/docs`);
    const html = await answer.text();
    for (const path of Object.keys(paths)) expect(html).toContain(`<code>${path}</code>`);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(html).not.toMatch(/<script|<style|style="|\son\w+="/);
    const loaded = Array.from(html.matchAll(/<link[^>]* href="([^"]+)"/g), ([, href]) => href);
    expect(loaded).toEqual(['/docs/style.css']);
    const style = await fetch(`${service.base}/docs/style.css`);
    expect([style.status, style.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8']);
    const targets = Array.from(html.matchAll(/href="#([^"]+)"/g), ([, id]) => id);
    for (const id of new Set(targets)) expect(html, id).toContain(`id="${id}"`);
  });
});

// Last: it takes longer than an idle connection is kept, and the next question would meet it closing.
describe('an independent validator', () => {
  it('says that it is valid OpenAPI 3.1', async () => {
    const valid = await new Validator().validate(described);
    expect(valid).toEqual({ valid: true });
    const { openapi, ...broken } = described;
    expect((await new Validator().validate({ ...broken, openapi, info: {} })).valid).toBe(false);
  });
});
