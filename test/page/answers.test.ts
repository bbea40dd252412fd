import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Service, startService } from '../e2e/service.ts';
import { browserPath, choose, drop, launch, listenForFaults } from './browser.ts';

const garments = path.join(import.meta.dirname, '../fixtures/fashion');

let service: Service;
let browser: Browser;
let page: Page;
let faults: string[] = [];

const outcome = () => page.locator('#outcome p').textContent();
const said = (text: RegExp) => expect.poll(outcome, { timeout: 45_000 }).toMatch(text);

/** A receipt by the service itself, without the page. */
async function receiptOf(model: string, picture: Buffer): Promise<string> {
  const response = await fetch(`${service.base}/classify/${model}?receipt=1`, {
    method: 'POST',
    body: new Uint8Array(picture),
  });
  return ((await response.json()) as { receipt: string }).receipt;
}

const WAIT = { timeout: 45_000 };
const text = (selector: string) => page.locator(selector).textContent();

/** Shares in percent of rows of bars. */
async function shares(selector: string): Promise<number[]> {
  return (await page.locator(selector).allTextContents()).map((value) => Number.parseFloat(value.replace('<', '')));
}

/** A committed shirt that this network of the two answers. */
async function answeredBy(which: 'first' | 'second'): Promise<string> {
  for (const name of (await readdir(garments)).filter((file) => file.startsWith('6-'))) {
    const file = path.join(garments, name);
    const response = await fetch(`${service.base}/classify/auto`, { method: 'POST', body: await readFile(file) });
    const { cascade } = (await response.json()) as { cascade: { answered_by: string } };
    if (cascade.answered_by === which) return file;
  }
  throw new Error(`no shirt that the ${which} answers`);
}

const boot = () => readFile(path.join(garments, '9-0000.png'));
const jws = (receipt: string) => ({ name: 'receipt.jws', type: 'text/plain', bytes: Buffer.from(receipt) });

const title = browserPath
  ? 'what answers carry, on the page'
  : 'what answers carry, on the page (skipped: no Chromium here, see CHROMIUM)';
describe.skipIf(!browserPath && !process.env.CI)(title, () => {
  beforeAll(async () => {
    service = await startService();
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await service?.stop();
  });
  beforeEach(async () => {
    page = await (await browser.newContext({ baseURL: service.base, acceptDownloads: true })).newPage();
    faults = listenForFaults(page);
    await page.goto('/');
    await page.getByText('in memory').waitFor();
  });
  afterEach(async () => {
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it('receipts are asked for, computed again bit for bit in the browser, and downloaded', async () => {
    await page.getByRole('button', { name: 'Ankle boot', exact: true }).click();
    await page.locator('#bars li').first().waitFor();
    await page.getByRole('button', { name: 'Get a receipt' }).click();
    await said(/the same, bit for bit/);
    expect(await page.locator('#outcome dd').allTextContents()).toEqual([
      'holds, by this service’s key',
      expect.stringContaining(String(new Date().getFullYear())),
      expect.stringMatching(/^fashion-resnet, revision \d+, version [0-9a-f]{16}…$/),
      expect.stringMatching(/^the same; SHA-256 [0-9a-f]{16}…$/),
      expect.stringMatching(/^the same bits; SHA-256 [0-9a-f]{16}…$/),
    ]);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download the receipt' }).click(),
    ]);
    expect(await readFile(await download.path(), 'utf8')).toBe(
      await page.getByRole('textbox', { name: /paste/ }).inputValue(),
    );
  });

  it('receipts from elsewhere are dropped with their picture; one altered byte of either is told', async () => {
    const picture = await boot();
    const receipt = await receiptOf('lenet5', picture);
    await drop(page, '#receipt', jws(receipt));
    await page.getByRole('button', { name: 'Check it' }).click();
    await said(/picture is missing/);
    await drop(page, '#receipt', { name: 'boot.png', type: 'image/png', bytes: picture });
    await page.getByRole('button', { name: 'Check it' }).click();
    await said(/the same, bit for bit/);

    const [head = '', payload = '', signature = ''] = receipt.split('.');
    const statement = Buffer.from(payload, 'base64url');
    statement.set([0x39], statement.indexOf('"revision":') + 11);
    await drop(page, '#receipt', jws([head, statement.toString('base64url'), signature].join('.')));
    await said(/^$/);
    await page.getByRole('button', { name: 'Check it' }).click();
    await said(/does not hold: its signature is not of what it says/);

    const other = Buffer.from(picture);
    other[other.length - 5] = (other[other.length - 5] ?? 0) ^ 1;
    await drop(page, '#receipt', jws(JSON.stringify({ predictions: [], receipt })));
    await drop(page, '#receipt', { name: 'other.png', type: 'image/png', bytes: other });
    await page.getByRole('button', { name: 'Check it' }).click();
    await said(/holds, but not for this picture/);
    // None of it was asked of the model.
    expect(await page.locator('#best').textContent()).toBe('No picture yet');
  });

  it('receipts of a float model are verified, and said not to be computed', async () => {
    const picture = await boot();
    await drop(page, '#receipt', jws(await receiptOf('fashion-mlp-float', picture)));
    await drop(page, '#receipt', { name: 'boot.png', type: 'image/png', bytes: picture });
    await page.getByRole('button', { name: 'Check it' }).click();
    await said(/signature holds; the bits were not compared.*TF\.js/);
  });

  it.each(['by the service', 'in this browser'])('groups, and what is inside one, %s', async (where) => {
    await choose(page, 'fashion-cnn');
    await page.getByLabel('Run in this browser').setChecked(where === 'in this browser');
    await page.getByRole('button', { name: 'Shirt', exact: true }).click();
    await expect
      .poll(() => text('#facts'), WAIT)
      .toMatch(where === 'in this browser' ? /in this browser/ : /there and back/);
    const group = page.locator('#groups .group').first();
    await expect.poll(() => group.locator('.label').textContent(), WAIT).toBe('top');
    await group.click();
    await page.getByText('Of top alone, brought to 100 %').waitFor();
    await expect.poll(() => page.locator('#groups .inside .label').count(), WAIT).toBeGreaterThan(2);
    const labels = await page.locator('#groups .inside .label').allTextContents();
    for (const label of labels) expect(['T-shirt/top', 'Pullover', 'Coat', 'Shirt']).toContain(label);
    const inside = await shares('#groups .inside .value');
    expect(inside.reduce((a, b) => a + b, 0)).toBeCloseTo(100, 0);
    await expect
      .poll(() => text('#label-set'), WAIT)
      .toMatch(/^95 times of 100 a list like this holds the truth: .*Shirt/);
    expect(await group.getAttribute('aria-expanded')).toBe('true');
  });

  it('which of two networks answered, here as there', async () => {
    const answers = new Set<string>();
    for (const here of [false, true]) {
      await choose(page, 'auto');
      await expect
        .poll(() => text('#model-facts'))
        .toMatch(/lenet5-modern answers [\d.]+ % alone.*multiply-adds a picture/);
      await page.getByLabel('Run in this browser').setChecked(here);
      for (const [picture, who] of [
        [await answeredBy('first'), /lenet5-modern, revision \d+: the small network was sure/],
        [await answeredBy('second'), /fashion-resnet, revision \d+: the small network was not sure/],
      ] as const) {
        await page.setInputFiles('#file', picture);
        await expect.poll(() => text('#facts'), WAIT).toMatch(who);
        answers.add(`${await text('#best')} ${await text('#best-score')}`);
      }
    }
    // The same figures twice.
    expect(answers.size).toBe(2);
  });

  it('every class that is named, where classes do not exclude each other', async () => {
    const named = [
      { label: 'Trouser', index: 1, score: 0.97 },
      { label: 'Shirt', index: 6, score: 0.71 },
    ];
    await page.route('**/models', async (route) => {
      const answer = await (await route.fetch()).json();
      for (const model of answer.models) model.task = 'multilabel';
      await route.fulfill({ json: answer });
    });
    const model = { id: 'lenet5', version: '0', revision: 1 };
    await page.route('**/classify/*', (route) =>
      route.fulfill({ json: { predictions: named, near_tie: null, unknown: null, model } }),
    );
    await page.reload();
    await page.getByText('in memory').waitFor();
    await page.getByRole('button', { name: 'Shirt', exact: true }).click();
    await expect.poll(() => text('#best'), WAIT).toBe('Trouser + Shirt');
    expect(await text('#best-score')).toBe('');
    expect(await page.locator('#bars .value').allTextContents()).toEqual(['97.0 %', '71.0 %']);
    expect(await text('#status')).toMatch(/^Trouser, 97.0 %; Shirt, 71.0 %\. Answered/);
  });
});
