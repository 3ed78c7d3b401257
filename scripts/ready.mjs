// Makes a fresh clone ready: installs the packages and compiles, each only when it is needed.
//
// `npm start` and `npm test` call this first, so that both work straight after `git clone`. What is
// up to date is told from file times: the lock file against node_modules, the sources against dist.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (...parts) => path.join(root, ...parts);
const timeOf = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0);
const say = (line) => process.stderr.write(`meshbeat: ${line}\n`);

const FOLDERS = 'src orchestrator nodes proto web test bench grafana scripts'.split(' ');

/** The newest change among the sources of the build, in milliseconds. */
function newestSource() {
  let newest = Math.max(timeOf(at('tsconfig.json')), timeOf(at('web', 'tsconfig.json')));
  for (const folder of FOLDERS) {
    for (const entry of readdirSync(at(folder), { recursive: true })) {
      if (/\.(ts|proto|html|css|svg)$/.test(entry) && !entry.startsWith('types'))
        newest = Math.max(newest, timeOf(at(folder, entry)));
    }
  }
  return newest;
}

function run(command, args) {
  try {
    execFileSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  } catch {
    say(`'${command} ${args.join(' ')}' failed; its output is above.`);
    process.exit(1);
  }
}

const installed = at('node_modules', '.package-lock.json');
if (timeOf(installed) < timeOf(at('package-lock.json'))) {
  say('installing packages (once; about half a minute) …');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  const now = new Date();
  utimesSync(installed, now, now);
}
const built = at('dist', '.built');
if (timeOf(built) < newestSource()) {
  say('compiling …');
  run(process.execPath, [at('scripts', 'build.mjs')]);
  writeFileSync(built, '');
}
