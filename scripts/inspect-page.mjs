// Takes the picture that docs/inspect.md shows: runs scenarios/diloco.yaml, or takes a run that is there, writes its page
// with `meshbeat inspect --html`, opens it in the Chromium that is installed, and writes docs/images/inspect.png. Prints what
// inspect says, for the text of that page.
//
//     npm run screenshot:inspect [-- RUN]
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { launch } from 'puppeteer-core';

const root = fileURLToPath(new URL('..', import.meta.url));
const meshbeat = (words) =>
  execFileSync(process.execPath, [path.join(root, 'bin', 'meshbeat.js'), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });

function chromium() {
  const places = (process.env.PATH ?? '').split(path.delimiter).map((place) => path.join(place, 'chromium'));
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new Error('no chromium on the PATH');
  return found;
}

const folder = mkdtempSync(path.join(tmpdir(), 'meshbeat-inspect-'));
try {
  if (process.argv[2] === undefined) {
    meshbeat(['run', path.join(root, 'scenarios', 'diloco.yaml'), '--out', folder]);
  }
  const run = process.argv[2] ?? path.join(folder, 'latest');
  const file = path.join(folder, 'page.html');
  process.stdout.write(meshbeat(['inspect', run, '--html', file]));
  const browser = await launch({
    executablePath: chromium(),
    args: process.geteuid?.() === 0 ? ['--no-sandbox'] : [],
  });
  try {
    const page = await browser.newPage();
    await page.setViewport({ width: 1120, height: 900 });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
    await page.goto(pathToFileURL(file).href);
    // The folder of the run is nobody's business.
    await page.evaluate(`document.querySelector('h1').textContent = 'capture.pcapng'`);
    await page.screenshot({ path: path.join(root, 'docs', 'images', 'inspect.png'), fullPage: true });
  } finally {
    await browser.close();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
