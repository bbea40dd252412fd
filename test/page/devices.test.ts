import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../e2e/service.ts';
import { browserPath, choose, launch, listenForFaults } from './browser.ts';

let service: Service;
let browser: Browser;
let page: Page;
let faults: string[] = [];

async function open(options: BrowserContextOptions = {}): Promise<void> {
  const context = await browser.newContext({ baseURL: service.base, ...options });
  page = await context.newPage();
  faults = listenForFaults(page);
  await page.goto('/');
  await page.getByText('in memory').waitFor();
  await choose(page, 'fashion-mlp');
}

const background = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
const playing = () => page.evaluate<boolean>(`document.querySelector('video').srcObject !== null`);

const title = browserPath ? 'the page on a device' : 'the page on a device (skipped: no Chromium here, see CHROMIUM)';
describe.skipIf(!browserPath && !process.env.CI)(title, () => {
  beforeAll(async () => {
    service = await startService();
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await service?.stop();
  });
  afterEach(async () => {
    expect(faults).toEqual([]);
    await page?.context().close();
  });

  it('classifies what its camera sees, and lets the camera go', async () => {
    await open({ permissions: ['camera'] });
    await page.getByRole('button', { name: 'Camera' }).click();
    await page.locator('#camera-box [value=take]:enabled').click();
    await expect.poll(() => page.locator('#best').textContent(), { timeout: 15_000 }).not.toBe('No picture yet');
    expect(await page.getByText('camera.jpg').count()).toBeGreaterThan(0);
    expect(await page.locator('#camera-box').isVisible()).toBe(false);
    expect(await playing()).toBe(false);
  });

  it('lets the camera go when it is closed by a key', async () => {
    await open({ permissions: ['camera'] });
    await page.getByRole('button', { name: 'Camera' }).click();
    await page.locator('#camera-box [value=take]:enabled').waitFor();
    expect(await playing()).toBe(true);
    await page.keyboard.press('Escape');
    await expect.poll(playing).toBe(false);
  });

  it('says what to do when the camera is refused', async () => {
    await open({ permissions: [] });
    await page.evaluate(`navigator.mediaDevices.getUserMedia =
      () => Promise.reject(new DOMException('', 'NotAllowedError'))`);
    await page.getByRole('button', { name: 'Camera' }).click();
    await page.getByRole('alert').getByText('The camera was refused').waitFor();
  });

  it('is dark when it is told so, and stays so', async () => {
    await open({ colorScheme: 'light' });
    const light = await background();
    await page.getByRole('button', { name: 'Dark' }).click();
    const dark = await background();
    expect(dark).not.toBe(light);
    await page.reload();
    expect(await background()).toBe(dark);
    await page.getByRole('button', { name: 'Light' }).click();
    expect(await background()).toBe(light);
  });
});
