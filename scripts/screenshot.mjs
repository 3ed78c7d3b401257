// Takes the picture of the live page that README shows: starts a run, opens its page in the Chromium that is
// installed, waits until enough bursts are in view and slices move, and writes docs/images/heartbeat.png.
//
//     npm run screenshot [-- SCENARIO]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { launch } from 'puppeteer-core';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = path.join(root, 'docs', 'images', 'heartbeat.png');
const scenario = process.argv[2] ?? path.join(root, 'scenarios', 'diloco.yaml');
/** Bursts in the picture: nearly a window full. */
const BURSTS = 8;
/** For a dozen rounds on a slow machine. */
const PATIENCE_MS = 180_000;

function chromium() {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const found = path.join(folder, 'chromium');
    try {
      accessSync(found, constants.X_OK);
      return found;
    } catch {
      // Not in this one.
    }
  }
  process.stderr.write('screenshot: no chromium on the PATH\n');
  process.exit(1);
}

/** Starts the run; resolves with the address of its page. */
async function startRun(out) {
  const words = ['run', scenario, '--out', out, '--web'];
  const run = spawn(process.execPath, [path.join(root, 'bin', 'meshbeat.js'), ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  run.stderr.setEncoding('utf8');
  for await (const text of run.stderr.iterator({ destroyOnReturn: false })) {
    said += text;
    const url = /watch it live: (\S+)/.exec(said)?.[1];
    if (url !== undefined) {
      run.stderr.resume();
      return { run, url };
    }
  }
  throw new Error(`the run ended early:\n${said}`);
}

async function takePicture(browser, url) {
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 1000 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
  await page.goto(url);
  // All nodes in the middle of a burst.
  const isGood = `document.querySelector('#heartbeat').dataset.bursts >= ${BURSTS} &&
    document.querySelectorAll('.node.synchronizing').length === document.querySelectorAll('.node').length &&
    [...document.querySelectorAll('.arc.lit')].filter((arc) => arc.getAttribute('opacity') > 0.8).length >=
      document.querySelectorAll('.node').length`;
  await page.waitForFunction(isGood, { timeout: PATIENCE_MS, polling: 50 });
  mkdirSync(path.dirname(file), { recursive: true });
  await page.screenshot({ path: file, clip: { x: 0, y: 0, width: 1280, height: await heightOf(page) } });
  const gate = await page.evaluate(`document.querySelector('#gate-verdict').textContent`);
  const size = Math.round(statSync(file).size / 1000);
  // On a machine that is busy otherwise the gate fails, and that is no picture for a README.
  process.stdout.write(`${path.relative(process.cwd(), file)}: ${size} kB; gate: ${gate}\n`);
}

/** Down to the end of the graph and the gate; the table of nodes adds nothing to a picture. */
async function heightOf(page) {
  const bottom = `document.querySelector('.stack').getBoundingClientRect().bottom`;
  return Math.ceil((await page.evaluate(bottom)) + 14);
}

const out = mkdtempSync(path.join(tmpdir(), 'meshbeat-screenshot-'));
const browser = await launch({
  executablePath: chromium(),
  args: process.geteuid?.() === 0 ? ['--no-sandbox'] : [],
});
let run;
try {
  const started = await startRun(out);
  run = started.run;
  await takePicture(browser, started.url);
} finally {
  await browser.close();
  if (run !== undefined && run.exitCode === null) {
    run.kill('SIGINT');
    await once(run, 'exit');
  }
  rmSync(out, { recursive: true, force: true });
}
