import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../e2e/service.ts';
import { browserPath, choose, launch, listenForFaults } from './browser.ts';

const garments = path.join(import.meta.dirname, '../fixtures/fashion');

let service: Service;
let browser: Browser;
let page: Page;
let faults: string[] = [];

/** Committed test pictures of a class. */
async function pictures(index: number): Promise<string[]> {
  const files = (await readdir(garments)).filter((name) => name.startsWith(`${index}-`) && name.endsWith('.png'));
  return files.sort().map((name) => path.join(garments, name));
}

async function learn(label: string, files: readonly string[]): Promise<void> {
  await page.getByLabel('Class', { exact: true }).fill(label);
  await page.setInputFiles('#own input[type=file]', [...files]);
  await page.getByText(`${files.length} of ${files.length} learned.`).waitFor();
  // The next count is another's.
  await page.locator('#own li', { hasText: label }).waitFor();
}

const title = browserPath
  ? 'own classes on the page'
  : 'own classes on the page (skipped: no Chromium here, see CHROMIUM)';
describe.skipIf(!browserPath && !process.env.CI)(title, () => {
  beforeAll(async () => {
    service = await startService();
    browser = await launch();
    page = await (await browser.newContext({ baseURL: service.base })).newPage();
    faults = listenForFaults(page);
    await page.goto('/');
    await page.getByText('in memory').waitFor();
    await choose(page, 'fashion-cnn');
  });
  afterAll(async () => {
    await browser?.close();
    await service?.stop();
  });

  it('are learned from a few pictures, answer, and are forgotten', async () => {
    const [boot = '', ...boots] = await pictures(9);
    const bags = await pictures(8);
    const best = () => page.locator('#best').textContent();
    await learn('winter', boots);
    await learn('carry', bags.slice(1));
    await page.setInputFiles('#file', boot);
    await expect.poll(best, { timeout: 15_000 }).toBe('winter');
    expect(await page.locator('#bars .label').allTextContents()).toEqual(['winter', 'carry']);
    expect(await page.locator('#curl code').textContent()).toMatch(/head=page-/);

    await page.reload();
    await page.getByText('in memory').waitFor();
    await choose(page, 'fashion-cnn');
    await page.locator('#own li', { hasText: 'carry' }).waitFor();
    await page.getByRole('button', { name: 'Forget carry' }).click();
    await expect.poll(() => page.locator('#own li').count()).toBe(1);
    await page.setInputFiles('#file', boot);
    await expect.poll(best, { timeout: 15_000 }).toBe('Ankle boot');
    expect(faults).toEqual([]);
  });

  it('need a name', async () => {
    await page.getByLabel('Class', { exact: true }).fill(' ');
    await page.setInputFiles('#own input[type=file]', await pictures(1));
    await page.getByText('Name the class first').waitFor();
  });
});
