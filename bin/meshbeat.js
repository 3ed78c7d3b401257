#!/usr/bin/env node
// The installed command. In a clone that has not been built yet it says so, instead of failing to find a module.
import { existsSync } from 'node:fs';

const main = new URL('../dist/src/cli/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write("meshbeat: not built yet; run 'npm run build' (or 'npm start', which builds too)\n");
  process.exitCode = 1;
}
