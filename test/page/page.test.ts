import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import axe, { type AxeResults } from 'axe-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../e2e/service.ts';
import { browserPath, choose, drop, type File, launch, listenForFaults } from './browser.ts';

const MODEL = 'fashion-mlp';
const garments = path.join(import.meta.dirname, '../fixtures/fashion');

let service: Service;
let browser: Browser;
let page: Page;
let faults: string[];

/** The first committed test picture of a class. */
async function garment(index: number): Promise<Buffer> {
  const name = (await readdir(garments)).filter((file) => file.startsWith(`${index}-`)).sort()[0];
  if (!name) throw new Error(`no picture of class ${index}`);
  return readFile(path.join(garments, name));
}

const boot = async (): Promise<File> => ({ name: 'boot.png', type: 'image/png', bytes: await garment(9) });

/** The boot as a shop would show it: dark on white, off the middle. @param side of the boot's own square, pixels */
async function photoOfBoot(side: number): Promise<Buffer> {
  const enlarged = await sharp(await garment(9))
    .resize(side, side)
    .extend({ top: 30, bottom: 90, left: 60, right: 20, background: 'black' })
    .toBuffer();
  return sharp(enlarged).negate().png().toBuffer();
}

async function open(options: BrowserContextOptions = {}): Promise<void> {
  const context = await browser.newContext({ baseURL: service.base, ...options });
  page = await context.newPage();
  faults = listenForFaults(page);
  await page.goto('/');
  await page.getByText('in memory').waitFor();
  await choose(page, MODEL);
}

/** The service's own word on a picture, without the page. */
async function ask(bytes: Buffer): Promise<{ label: string; score: number }[]> {
  const response = await fetch(`${service.base}/classify/${MODEL}?top_k=10`, {
    method: 'POST',
    body: new Uint8Array(bytes),
  });
  return ((await response.json()) as { predictions: { label: string; score: number }[] }).predictions;
}

const WAIT = { timeout: 15_000 };
const says = (text: string) => expect.poll(() => page.locator('#best').textContent(), WAIT).toBe(text);
const widthBeyondScreen = () => page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');

/** To within a tenth of a pixel: the browser rounds an image's width, but not a box's. */
async function liesOverPicture(): Promise<void> {
  const [heat, picture] = [await page.locator('#heat').boundingBox(), await page.locator('#picture').boundingBox()];
  for (const side of ['x', 'y', 'width', 'height'] as const) expect(heat?.[side]).toBeCloseTo(picture?.[side] ?? -1, 1);
}

/** As axe-core sees the page at this moment. */
async function withoutFaults(when: string): Promise<void> {
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate<AxeResults>('axe.run()');
  const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(grave.map(({ id, nodes }) => `${when}: ${id} at ${nodes.map(({ target }) => target).join()}`)).toEqual([]);
  expect(passes.length).toBeGreaterThan(15);
}

const title =
  browserPath || process.env.CI ? 'the page' : 'the page (skipped: no Chromium here; CHROMIUM=path names one)';
describe.skipIf(!browserPath && !process.env.CI)(title, () => {
  beforeAll(async () => {
    [service, browser] = await Promise.all([startService(), launch()]);
  });
  afterAll(async () => {
    await browser?.close();
    await service?.stop();
  });
  afterEach(async () => {
    await page?.context().close();
    expect(faults).toEqual([]);
  });

  it('reads a dropped picture: label, ten bars with their values, time, input and curl line', async () => {
    const file = await boot();
    await open();
    await drop(page, '#zone', file);
    await says('Ankle boot');
    const expected = await ask(file.bytes);
    expect(await page.locator('#bars .label').allTextContents()).toEqual(expected.map(({ label }) => label));
    expect(expected).toHaveLength(10);
    const values = await page.locator('#bars .value').allTextContents();
    values.forEach((value, i) => {
      const percent = 100 * (expected[i]?.score ?? Number.NaN);
      if (value === '< 0.1 %') expect(percent).toBeLessThan(0.1);
      else if (value === '> 99.9 %') expect(percent).toBeGreaterThan(99.9);
      else expect(Number(value.replace(' %', ''))).toBeCloseTo(percent, 1);
    });
    expect(await page.locator('#facts').textContent()).toMatch(
      /^[\d.]+ ms there and back · fashion-mlp, revision \d+$/,
    );
    expect(await page.getByRole('status').textContent()).toMatch(/^Ankle boot, [> \d.]+ %\. Answered in [\d.]+ ms\.$/);
    expect(await page.locator('#curl code').textContent()).toContain('--data-binary @boot.png');
  });

  it('shows a 28x28 picture to the eye exactly as it is', async () => {
    const { bytes, name } = await boot();
    await open();
    await drop(page, 'body', { bytes, name, type: 'image/png' });
    await says('Ankle boot');
    const shown = await page.evaluate<number[]>(
      `Array.from(document.querySelector('#seen').getContext('2d').getImageData(0, 0, 28, 28).data)`,
    );
    const expected = await sharp(bytes).toColourspace('srgb').ensureAlpha().raw().toBuffer();
    expect(shown).toEqual(Array.from(expected));
    expect(await page.getByRole('img', { name: 'as the model sees it' }).getAttribute('aria-label')).toContain('28');
  });

  it('shows of a photo what the model sees: those pixels alone get the same answer', async () => {
    const photo = await photoOfBoot(240);
    await open();
    await drop(page, '#zone', { name: 'photo.png', type: 'image/png', bytes: photo });
    await says('Ankle boot');
    const seen = await page.evaluate<string>(`document.querySelector('#seen').toDataURL('image/png').split(',')[1]`);
    expect(await ask(Buffer.from(seen, 'base64'))).toEqual(await ask(photo));
  });

  it('has a curl line that says the same, whatever the name of the file', async () => {
    const name = `it's $(a) "boot".png`;
    const folder = await mkdtemp(path.join(tmpdir(), 'page-'));
    const { bytes } = await boot();
    await writeFile(path.join(folder, name), bytes);
    await open({ permissions: ['clipboard-read', 'clipboard-write'] });
    await page.setInputFiles('#file', path.join(folder, name));
    await says('Ankle boot');
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const line = await page.evaluate<string>('navigator.clipboard.readText()');
    const { stdout } = await promisify(execFile)('sh', ['-c', line], { cwd: folder });
    await rm(folder, { recursive: true });
    expect((JSON.parse(stdout) as { predictions: unknown }).predictions).toEqual(await ask(bytes));
  });

  it('takes a pasted picture, by keys and by button', async () => {
    await open({ permissions: ['clipboard-read', 'clipboard-write'] });
    const base64 = (await boot()).bytes.toString('base64');
    await page.evaluate(`fetch('/samples/trouser.png').then(async (sample) =>
      navigator.clipboard.write([new ClipboardItem({ 'image/png': await sample.blob() })]))`);
    await page.keyboard.press('Control+V');
    await says('Trouser');
    await page.evaluate(`navigator.clipboard.write([new ClipboardItem({ 'image/png': new Blob(
      [Uint8Array.from(atob('${base64}'), (c) => c.charCodeAt(0))], { type: 'image/png' }) })])`);
    await page.getByRole('button', { name: 'Paste', exact: true }).click();
    await says('Ankle boot');
  });

  it('answers a sample by keys alone, and its curl line needs no file', async () => {
    await open();
    const focused = () =>
      page.evaluate<string>(`document.activeElement.querySelector('img')?.alt ?? document.activeElement.id`);
    const order: string[] = [];
    while (order.at(-1) !== 'Trouser' && order.length < 15) {
      await page.keyboard.press('Tab');
      order.push(await focused());
    }
    expect(order.slice(order.indexOf('file'))).toEqual(['file', 'camera', 'paste', 'T-shirt/top', 'Trouser']);
    await page.keyboard.press('Enter');
    await says('Trouser');
    expect(await page.getByRole('button', { name: 'Trouser', exact: true }).getAttribute('aria-current')).toBe('true');
    const { stdout } = await promisify(execFile)('sh', ['-c', (await page.locator('#curl code').textContent()) ?? '']);
    expect((JSON.parse(stdout) as { predictions: unknown }).predictions).toEqual(await ask(await garment(1)));
  });

  it('says what is wrong with a text file, clears the answer, and goes on', async () => {
    await open();
    await drop(page, '#zone', await boot());
    await says('Ankle boot');
    await drop(page, '#zone', { name: 'notes.json', type: 'application/json', bytes: Buffer.from('{"image": "no"}') });
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(/not supported[\s\S]*(PNG|JPEG)/);
    await says('No answer');
    expect(await page.locator('#bars li').count()).toBe(0);
    await drop(page, '#zone', await boot());
    await says('Ankle boot');
    expect(await alert.isVisible()).toBe(false);
  });

  it('shows where it looks: heat over the picture, the same in words and from a terminal', async () => {
    await open();
    await drop(page, '#zone', { name: 'photo.png', type: 'image/png', bytes: await photoOfBoot(240) });
    await says('Ankle boot');
    expect(await page.locator('#heat').isVisible()).toBe(false);
    await page.getByLabel('Show where it looks').press('Space');
    const heat = page.getByRole('img', { name: /^Heat map: Ankle boot is seen most (at|in) the / });
    await heat.waitFor(WAIT);
    await liesOverPicture();
    expect(await page.locator('#explain-note').textContent()).toMatch(/^It sees Ankle boot most .*by covering/);
    // The photo is 320x360; the model sees the square around the boot, which is left of the middle and above it.
    const colours = await page.evaluate<number[][]>(`(async () => {
      const image = await createImageBitmap(document.querySelector('#heat'));
      const context = new OffscreenCanvas(320, 360).getContext('2d');
      context.drawImage(image, 0, 0, 320, 360);
      return [[310, 350], [180, 150]].map(([x, y]) => Array.from(context.getImageData(x, y, 1, 1).data));
    })()`);
    const [outside = [], inside = []] = colours.map(([r = 0, g = 0, b = 0]) => [Math.max(r, g, b) - Math.min(r, g, b)]);
    expect(outside[0], 'grey').toBeLessThan(12);
    expect(inside[0], 'heat').toBeGreaterThan(30);
    expect(await page.locator('#curl code').textContent()).toContain('top_k=10&explain=occlusion');
    expect(await widthBeyondScreen()).toBeLessThanOrEqual(0);

    await drop(page, '#zone', await boot());
    await page.getByText('boot.png, 28').waitFor(WAIT);
    await heat.waitFor(WAIT);
    await liesOverPicture();
    await page.getByLabel('Show where it looks').uncheck();
    expect(await page.locator('#heat').isVisible()).toBe(false);
    expect(await page.locator('#curl code').textContent()).not.toContain('explain');
    await says('Ankle boot');
  });

  it('keeps the answer where it cannot be explained', async () => {
    await open();
    await page.route('**/classify/**explain=**', (route) => route.abort());
    await page.getByLabel('Show where it looks').check();
    await drop(page, '#zone', await boot());
    await page.getByRole('alert').getByText('did not answer').waitFor();
    expect(faults.splice(0).join()).toContain('ERR_FAILED');
    await says('Ankle boot');
    expect(await page.locator('#heat').isVisible()).toBe(false);
  });

  it('offers a smaller copy where a picture is too large', async () => {
    await open();
    // What follows the end of a PNG counts as bytes, and is quicker made than noise.
    const bytes = Buffer.concat([await photoOfBoot(1500), Buffer.alloc(10_000_000)]);
    const folder = await mkdtemp(path.join(tmpdir(), 'page-'));
    await writeFile(path.join(folder, 'large.png'), bytes);
    await page.setInputFiles('#file', path.join(folder, 'large.png'));
    await page.getByRole('alert').waitFor();
    await page.getByRole('button', { name: 'Send a smaller copy' }).click();
    await says('Ankle boot');
    expect(await page.locator('#curl code').textContent()).toContain('@large-1024.jpg');
    await rm(folder, { recursive: true });
  });

  it('says that the service is away, and asks again at the press of a button', async () => {
    await open();
    await page.route('**/classify/**', (route) => route.abort());
    await drop(page, '#zone', await boot());
    await page.getByRole('alert').getByText('did not answer').waitFor();
    // Chromium's own word on it.
    expect(faults.splice(0).join()).toContain('ERR_FAILED');
    await page.unroute('**/classify/**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await says('Ankle boot');
  });

  it.each(['light', 'dark'] as const)('fits a phone without sideways scrolling (%s)', async (colorScheme) => {
    await open({ viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true, colorScheme });
    expect(await widthBeyondScreen()).toBeLessThanOrEqual(0);
    await drop(page, '#zone', { ...(await boot()), name: `${'a-very-long-name'.repeat(12)}.png` });
    await says('Ankle boot');
    expect(await widthBeyondScreen()).toBeLessThanOrEqual(0);
    await drop(page, '#zone', { name: 'notes.txt', type: 'text/plain', bytes: Buffer.from('no picture') });
    await page.getByRole('alert').waitFor();
    expect(await widthBeyondScreen()).toBeLessThanOrEqual(0);
  });

  it('shows jobs and what became of their callbacks, and sends one again', async () => {
    const image = (await garment(9)).toString('base64');
    const nobody = 'http://127.0.0.1:9/';
    const order = {
      model: MODEL,
      images: [
        { id: 'front', image },
        { id: 'torn', image: 'AAAA' },
      ],
      callback_url: nobody,
    };
    const headers = { 'content-type': 'application/json' };
    await fetch(`${service.base}/jobs`, { method: 'POST', headers, body: JSON.stringify(order) });
    await open();
    const jobs = page.getByRole('region', { name: 'Jobs' });
    await jobs.getByText('1 of 2 classified, 1 failed').waitFor(WAIT);
    await jobs.getByText(/^Callback on its way, next at .* The last attempt failed/).waitFor(WAIT);
    await jobs.getByText(/^job_/).click();
    expect(await jobs.locator('details li').allTextContents()).toEqual([
      'front: Ankle boot',
      expect.stringMatching(/^torn: The image/),
    ]);
    const sent = page.waitForResponse((response) => response.url().endsWith('/redeliver'));
    await jobs.getByRole('button', { name: 'Send again' }).click();
    expect((await sent).status()).toBe(202);
    await withoutFaults('light');
  });

  it('answers several pictures, each with its own word, and brings one back', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'page-'));
    const files = [
      ['boot.png', await garment(9)],
      ['notes.png', Buffer.from('no picture')],
      ['trouser.png', await garment(1)],
    ] as const;
    for (const [name, bytes] of files) await writeFile(path.join(folder, name), bytes);
    await open();
    await page.setInputFiles(
      '#file',
      files.map(([name]) => path.join(folder, name)),
    );
    await says('Trouser');
    const history = page.getByRole('region', { name: 'Since you came' });
    await expect
      .poll(() => history.locator('strong').allTextContents(), WAIT)
      .toEqual(['Trouser', 'The image is of a kind that is not supported', 'Ankle boot']);
    await history.getByText('boot.png').click();
    await says('Ankle boot');
    expect(await history.locator('strong').first().textContent()).toBe('Ankle boot');
    expect(await history.locator('li').count()).toBe(3);
    await rm(folder, { recursive: true });
  });

  it('compares a model in integers with the float one that it was made from', async () => {
    await open();
    await page.getByLabel('Compare with').selectOption('fashion-mlp-float');
    await drop(page, '#zone', await boot());
    await page.getByText(/^fashion-mlp-float agrees: Ankle boot, [\d.]+ %, in \d+ ms\. Scores differ by/).waitFor(WAIT);
    const [mine] = await ask((await boot()).bytes);
    const told = Number(/boot, ([\d.]+) %/.exec((await page.locator('#compare-note').textContent()) ?? '')?.[1]);
    expect(Math.abs(told - 100 * (mine?.score ?? 0))).toBeLessThan(3);
    await choose(page, 'airplane');
    expect(await page.getByLabel('Compare with').isVisible()).toBe(false);
  });

  it('sends the key that it was given, to this service, until the tab is closed', async () => {
    await open();
    const asked: (string | undefined)[] = [];
    await page.route('**/models', (route) => {
      asked.push(route.request().headers()['x-api-key']);
      const problem = { title: 'The caller is not known', detail: 'Send a key.' };
      return asked.at(-1) ? route.continue() : route.fulfill({ status: 401, json: problem });
    });
    await page.reload();
    await page.getByRole('alert').getByText('Send a key.').waitFor();
    await page.getByLabel('Key', { exact: true }).fill('the-key');
    await page.getByRole('button', { name: 'Use it' }).click();
    await page.getByText('in memory').waitFor();
    await page.reload();
    await page.getByText('in memory').waitFor();
    expect(asked).toEqual([undefined, 'the-key', 'the-key']);
    expect(page.url()).not.toContain('the-key');
    expect(faults.splice(0).join()).toContain('401');
  });

  it.each(['light', 'dark'] as const)('has no serious fault that axe finds (%s)', async (colorScheme) => {
    await open({ colorScheme });
    await withoutFaults(colorScheme);
    await drop(page, '#zone', { name: 'photo.png', type: 'image/png', bytes: await photoOfBoot(240) });
    await says('Ankle boot');
    await page.getByText('API key').click();
    await withoutFaults(colorScheme);
    await drop(page, '#zone', { name: 'notes.txt', type: 'text/plain', bytes: Buffer.from('no picture') });
    await page.getByRole('alert').waitFor();
    await withoutFaults(colorScheme);
  });

  it('is served with a policy that lets it run only its own files', async () => {
    const response = await fetch(`${service.base}/`);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toContain('unsafe');
    expect(await response.text()).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
    faults = [];
  });
});
