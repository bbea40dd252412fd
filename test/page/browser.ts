import { existsSync } from 'node:fs';
import { type Browser, chromium, type JSHandle, type Page } from 'playwright-core';

const PLACES = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The Chromium of this machine, or undefined; `CHROMIUM` names another. */
export const browserPath = PLACES.find((place) => place && existsSync(place));

export function launch(): Promise<Browser> {
  if (!browserPath) throw new Error('no Chromium on this machine: install one, or say where it is with CHROMIUM=path');
  return chromium.launch({
    executablePath: browserPath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // A moving pattern in place of a camera; whether a page may see it is each context's to say.
      '--use-fake-device-for-media-stream',
    ],
  });
}

export interface File {
  readonly name: string;
  readonly type: string;
  readonly bytes: Buffer;
}

/** What a browser hands over when a person drops or pastes this file. */
export function dataTransfer(page: Page, { name, type, bytes }: File): Promise<JSHandle> {
  const [base64, fileName, mime] = [bytes.toString('base64'), name, type].map((text) => JSON.stringify(text));
  return page.evaluateHandle(`(() => {
    const bytes = Uint8Array.from(atob(${base64}), (character) => character.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], ${fileName}, { type: ${mime} }));
    return transfer;
  })()`);
}

export async function drop(page: Page, selector: string, file: File): Promise<void> {
  const transfer = await dataTransfer(page, file);
  await page.dispatchEvent(selector, 'dragover', { dataTransfer: transfer });
  await page.dispatchEvent(selector, 'drop', { dataTransfer: transfer });
}

/** What went wrong unseen: errors on the console, and violations of the content security policy. */
export function listenForFaults(page: Page): string[] {
  const faults: string[] = [];
  page.on('console', (message) => {
    // Chromium itself reports an answer of 4xx; the tests that ask for one look at what the page makes of it.
    const refused = /Failed to load resource: the server responded with a status of 4\d\d/.test(message.text());
    const asked = message.location().url.includes('/classify/');
    if (message.type() === 'error' && !(refused && asked)) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  return faults;
}

/** Takes the card of a model; on a narrow screen they are folded away. */
export async function choose(page: Page, model: string): Promise<void> {
  const card = page.locator(`.card input[value="${model}"]`);
  if (!(await card.isVisible())) await page.locator('#models summary').click();
  await card.check();
}
