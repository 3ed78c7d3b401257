/**
 * The page of `meshbeat inspect --html`, opened in a browser: it says nothing on the console, asks for nothing, keeps a
 * hostile name a name, and can be printed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { LinkType, PcapngWriter } from '../../src/capture/index.js';
import { gather } from '../../src/cli/inspect/gather.js';
import { htmlPage } from '../../src/cli/inspect/page/index.js';
import { unsampled } from '../../src/traffic/sampling/index.js';
import { scratchFolder } from '../support/files.js';
import { address, meshTraffic } from '../support/mesh-traffic.js';
import { describeWith } from '../support/requires.js';
import { ask, openPage, textOf } from './browser.js';

const folder = scratchFolder();
const HOSTILE = `<script>document.title='owned'</script><img src=x onerror=alert(1)>"'&`;

/** A page of a mesh of so many nodes; with none, of a capture without packets. */
async function pageOf(nodes: number, name: (node: number) => string): Promise<string> {
  const capture = join(folder, `${nodes}.pcapng`);
  const names = new Map(Array.from({ length: nodes }, (_, node) => [address(node), name(node)]));
  const writer = new PcapngWriter(capture, {
    interfaces: [{ name: 'br0', linkType: LinkType.ethernet }],
    names,
  });
  const traffic = { nodes, bursts: 8, periodSeconds: 2, burstBytes: 1e5, rate: 20e6, jitterSeconds: 0.05 };
  if (nodes > 0) {
    meshTraffic(traffic, (packet) =>
      writer.write(packet.timestampNs, packet.captured, packet.originalLength),
    );
  }
  writer.close({ dropped: 3 });
  const inspection = await gather(capture, undefined, { binSeconds: 0.01, sampling: unsampled, through: [] });
  const file = join(folder, `${nodes}.html`);
  writeFileSync(file, htmlPage(inspection));
  return file;
}

describeWith(['chromium'], 'the page of inspect', () => {
  test.each([
    { nodes: 0, name: () => 'none' },
    { nodes: 2, name: () => HOSTILE },
    { nodes: 8, name: (node: number) => `gpu-node-${node}` },
    { nodes: 40, name: (node: number) => `a-rather-long-name-of-a-node.example-${node}` },
  ])('of $nodes nodes: no complaint, no request, all in view, and it prints', async ({ nodes, name }) => {
    const file = await pageOf(nodes, name);
    const { page, complaints, requests } = await openPage();
    await page.goto(pathToFileURL(file).href);
    expect(complaints).toEqual([]);
    expect(requests).toEqual([pathToFileURL(file).href]);
    expect(await page.title()).toContain('traffic');
    expect(await ask<number>(page, `document.querySelectorAll('script, img, [onerror]').length`)).toBe(0);
    expect(await ask<number>(page, 'document.documentElement.scrollWidth')).toBeLessThanOrEqual(1280);
    const body = await textOf(page, 'body');
    expect(body).toContain('the capturing side lost 3 packets');
    if (nodes === 0) expect(body).toContain('No heartbeat of the mesh');
    else {
      expect(body).toMatch(/A heartbeat every (2|1\.9\d|2\.0\d) s/);
      expect(body).toContain(nodes === 2 ? '<script>' : 'Periodogram');
    }
    // Words of the pictures lie within them, as far as the browser can tell.
    const outside = `[...document.querySelectorAll('svg')].flatMap((svg) => [...svg.querySelectorAll('text')].filter((text) => {
      const [a, b] = [svg.getBoundingClientRect(), text.getBoundingClientRect()];
      return b.left < a.left - 1 || b.right > a.right + 1 || b.top < a.top - 1 || b.bottom > a.bottom + 1;
    })).map((text) => text.textContent)`;
    expect(await ask<string[]>(page, outside)).toEqual([]);
    const printed = await page.pdf({ format: 'A4' });
    expect(Buffer.from(printed.subarray(0, 5)).toString()).toBe('%PDF-');
    expect(readFileSync(file).length).toBeLessThan(2_000_000);
    await page.close();
  });

  test.each(['light', 'dark', 'print'])(
    'text stands out from its ground by 4.5 to 1 or more: %s',
    async (look) => {
      const file = await pageOf(8, (node) => `gpu-node-${node}`);
      const { page } = await openPage();
      if (look === 'print') await page.emulateMediaType('print');
      else await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: look }]);
      await page.goto(pathToFileURL(file).href);
      // WCAG 2.1, 1.4.3; of cells of the matrix, the ground is the rectangle before the text.
      const worst = `(() => {
      const light = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((c) => c / 255)
          .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const ground = getComputedStyle(document.body).backgroundColor;
      const cell = (text) => text.previousElementSibling?.getAttribute('style')?.startsWith('fill:rgb') && text.hasAttribute('style')
        ? getComputedStyle(text.previousElementSibling).fill : ground;
      return Math.min(...[...document.querySelectorAll('p, td, th, h1, h2, li, footer, svg text')].map((element) => {
        const style = getComputedStyle(element);
        const pair = [element.tagName === 'text' ? style.fill : style.color, cell(element)].map(light).sort();
        return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
      }));
    })()`;
      expect(await ask<number>(page, worst)).toBeGreaterThan(4.5);
      await page.close();
    },
  );
});
