import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../e2e/service.ts';
import { browserPath, choose, launch, listenForFaults } from './browser.ts';

const garments = path.join(import.meta.dirname, '../fixtures/fashion');

let service: Service;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let faults: string[] = [];

async function open(): Promise<void> {
  page = await context.newPage();
  faults = listenForFaults(page);
  await page.goto('/');
  await page.getByText('in memory').waitFor();
}

const bars = async () => ({
  labels: await page.locator('#bars .label').allTextContents(),
  values: await page.locator('#bars .value').allTextContents(),
});
const facts = () => page.locator('#facts').textContent();

/** What the engine in the page says of a picture, as the page itself asks it. */
const askEngine = (model: string, base64: string) =>
  page.evaluate<unknown>(`new Promise((resolve) => {
    const worker = window.engine ??= new Worker('/page/engine.js', { type: 'module' });
    worker.onmessage = ({ data }) => { if (data.kind !== 'progress') resolve(data); };
    const picture = Uint8Array.from(atob('${base64}'), (character) => character.charCodeAt(0));
    worker.postMessage({ id: 1, model: '${model}', picture, topK: 1000, key: '' });
  })`);

const title = browserPath
  ? 'the engine in the page'
  : 'the engine in the page (skipped: no Chromium here, see CHROMIUM)';
describe.skipIf(!browserPath && !process.env.CI)(title, () => {
  beforeAll(async () => {
    service = await startService();
    browser = await launch();
    context = await browser.newContext({ baseURL: service.base });
  });
  afterAll(async () => {
    await browser?.close();
    await service?.stop();
  });
  afterEach(async () => {
    expect(faults).toEqual([]);
    await page?.close();
  });

  it('answers with the same bits as the service, by every integer model', async () => {
    await open();
    const list = (await (await fetch(`${service.base}/models`)).json()) as {
      models: { id: string; runtime: string }[];
    };
    const ids = list.models.filter(({ runtime }) => runtime === 'int8').map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(8);
    let threads = 0;
    const files = (await readdir(garments)).filter((name) => name.endsWith('.png')).slice(0, 3);
    for (const id of ids) {
      for (const file of files) {
        const picture = await readFile(path.join(garments, file));
        const response = await fetch(`${service.base}/classify/${id}?top_k=1000`, { method: 'POST', body: picture });
        const said = (await askEngine(id, picture.toString('base64'))) as { threads: number };
        expect(said, `${id}, ${file}`).toMatchObject({ kind: 'answer', answer: await response.json() });
        threads = said.threads;
      }
    }
    expect(threads).toBeGreaterThan(1);
  }, 120_000);

  it('is isolated from other origins, so that memory can be shared', async () => {
    await open();
    expect(await page.evaluate<boolean>('crossOriginIsolated')).toBe(true);
  });

  it('runs where the visitor says, and goes on without the service', async () => {
    await open();
    await choose(page, 'lenet5');
    await page.getByRole('button', { name: 'Ankle boot', exact: true }).click();
    await expect.poll(facts, { timeout: 15_000 }).toMatch(/there and back · lenet5/);
    const served = await bars();
    await page.getByLabel('Run in this browser').check();
    await expect
      .poll(facts, { timeout: 15_000 })
      .toMatch(/^[\d.]+ ms in this browser, \d threads · lenet5, revision \d+$/);
    expect(await bars()).toEqual(served);
    await page.getByLabel('Show where it looks').check();
    await page.locator('#heat').waitFor();

    await page.evaluate('navigator.serviceWorker.ready.then(() => {})');
    // The worker that has just been made controls this page from its next visit on.
    await page.reload();
    await page.getByText('in memory').waitFor();
    await context.setOffline(true);
    await page.reload();
    await page.getByText('in memory').waitFor();
    await choose(page, 'lenet5');
    await page.getByRole('button', { name: 'Trouser', exact: true }).click();
    await expect.poll(() => page.locator('#best').textContent(), { timeout: 15_000 }).toBe('Trouser');
    expect(await facts()).toMatch(/in this browser/);
    await context.setOffline(false);
    // What the browser itself says of requests that could not be sent.
    faults = faults.filter((fault) => !fault.includes('ERR_INTERNET_DISCONNECTED'));
  }, 60_000);

  it('says what is wrong with a picture, as the service would', async () => {
    await open();
    expect(await askEngine('lenet5', Buffer.from('no picture').toString('base64'))).toMatchObject({ kind: 'problem' });
    expect(await askEngine('no-such-model', '')).toMatchObject({ kind: 'problem', title: /no model/ });
  });
});
