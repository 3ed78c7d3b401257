/**
 * The page's files, read once and held in a table from URL path to content.
 *
 * A request is looked up in the table and never becomes a path on the disk, so no request can reach outside
 * of it. The page is what the build left in web/ beside the compiled server, and uPlot, which draws its
 * charts, from the installed package: nothing comes from anywhere else, so the page works without a network.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Asset {
  readonly contentType: string;
  readonly body: Buffer;
}

export type Assets = ReadonlyMap<string, Asset>;

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Where the build puts the page, next to the folder of this compiled module's parent. */
export const PAGE_FOLDER = fileURLToPath(new URL('../../web/', import.meta.url));

/** The page's files by URL path; `/` is index.html. Empty where the page was not built. */
export function loadAssets(folder = PAGE_FOLDER): Assets {
  const assets = new Map<string, Asset>();
  if (!existsSync(path.join(folder, 'index.html'))) return assets;
  const add = (url: string, file: string): void => {
    const contentType = CONTENT_TYPES[path.extname(file)];
    if (contentType !== undefined) assets.set(url, { contentType, body: readFileSync(file) });
  };
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    add(`/${name.split(path.sep).join('/')}`, path.join(folder, name));
  }
  add('/', path.join(folder, 'index.html'));
  const uPlot = path.dirname(createRequire(import.meta.url).resolve('uplot'));
  add('/vendor/uplot.js', path.join(uPlot, 'uPlot.esm.js'));
  add('/vendor/uplot.css', path.join(uPlot, 'uPlot.min.css'));
  return assets;
}
