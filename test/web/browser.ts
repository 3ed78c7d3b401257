/**
 * A headless Chromium for tests: the one that is installed, driven by puppeteer-core. What the page says on its
 * console and which requests it makes is written down, for tests to judge.
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll } from 'vitest';
import { launch, type Browser, type Page } from 'puppeteer-core';

export interface Watched {
  readonly page: Page;
  /** Errors and warnings of the page's scripts, and what its console shows. */
  readonly complaints: string[];
  /** Every URL that the page asked for. */
  readonly requests: string[];
}

let browser: Browser | undefined;
afterAll(() => browser?.close());

/** A new page, of the size of a laptop's window. */
export async function openPage(): Promise<Watched> {
  // As root Chromium runs only without its sandbox; what it loads here is our own.
  const args = process.geteuid?.() === 0 ? ['--no-sandbox'] : [];
  browser ??= await launch({ executablePath: chromium(), args });
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (['error', 'warn'].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('request', (request) => requests.push(request.url()));
  return { page, complaints, requests };
}

/** Where the PATH has Chromium; Debian's name for it. */
function chromium(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = folders.map((folder) => join(folder, 'chromium')).find(isExecutable);
  if (found === undefined) throw new Error('no chromium on the PATH');
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The value of an expression, as the page's own scripts would write it. It is text, since the compiler knows
 * the tests as programs of Node, and has no document there.
 */
export async function ask<Value>(page: Page, expression: string): Promise<Value> {
  return (await page.evaluate(expression)) as Value;
}

/** What an element of the page says of itself in an attribute. */
export function attribute(page: Page, selector: string, name: string): Promise<string> {
  return ask(page, `document.querySelector('${selector}').getAttribute('${name}') ?? ''`);
}

/** The text of an element. */
export function textOf(page: Page, selector: string): Promise<string> {
  return ask(page, `document.querySelector('${selector}').textContent`);
}

/**
 * Waits until an expression over the page, as its own scripts would write it, holds.
 *
 * @param seconds after which it fails: many times what it takes.
 */
export async function until(page: Page, expression: string, seconds = 40): Promise<void> {
  try {
    await page.waitForFunction(expression, { timeout: 1000 * seconds, polling: 100 });
  } catch (error) {
    const text = await ask<string>(page, 'document.body.innerText');
    throw new Error(`never came true: ${expression}\n${String(error)}\nthe page said:\n${text}`);
  }
}
