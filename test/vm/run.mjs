/**
 * A machine with a kernel of its own, for what the kernel at hand cannot do: netem.
 *
 *     npm run build && node test/vm/run.mjs [--report FILE] [--slowness N] [--accel tcg|kvm] [-- COMMAND]
 *
 * It boots Debian's own kernel package in qemu-system and runs there, on a Debian root with this machine's Node, what
 * COMMAND says; by default the suites of test/vm/vitest.config.js. Its output is the job's, its exit status, too.
 * Nothing is installed on this machine and nothing mounted: the root is one archive that the kernel unpacks into
 * memory. So it needs root (for mmdebstrap), the programs of NEEDS, 4 GB of free memory, and half an hour at most.
 *
 * Software emulation is ten to twenty times slower than the machine it runs on. So are the networks of the tests, by
 * --slowness: see test/wan/slowness.ts. With --accel kvm there is no need of that.
 *
 * Debian's part is made once and kept in .vm/ (an archive of 200 MB), for as long as this file stays as it is.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const project = fileURLToPath(new URL('../..', import.meta.url));
const here = path.dirname(fileURLToPath(import.meta.url));
const cache = path.join(project, '.vm');
/** What is there for one run only; what a run that was killed has left, the next one takes away. */
const scratch = path.join(cache, 'scratch');

const NEEDS = {
  'qemu-system-x86_64': 'qemu-system-x86',
  mmdebstrap: 'mmdebstrap',
  cpio: 'cpio',
  setpriv: 'util-linux',
};
/** Small, without drivers for hardware that no virtual machine has; with all of net/sched. */
const KERNEL = 'linux-image-cloud-amd64';
const PACKAGES = 'ethtool,iproute2,iputils-ping,kmod,libstdc++6,procps,tcpdump,util-linux';
/** Of the project, what runs. */
const PARTS = 'bin dist node_modules nodes orchestrator package.json proto scenarios src test'.split(' ');
const LIMIT_MINUTES = 30;
const MEMORY = '3G';

const say = (line) => process.stderr.write(`vm: ${line}\n`);
const loud = (program, words, options = {}) =>
  execFileSync(program, words, { stdio: ['ignore', 2, 2], ...options });

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    report: { type: 'string' },
    slowness: { type: 'string' },
    accel: { type: 'string', default: 'tcg' },
  },
});
const slowness = values.slowness ?? (values.accel === 'tcg' ? '4' : '1');
const command =
  positionals.length > 0
    ? positionals.join(' ')
    : 'node node_modules/vitest/vitest.mjs run --config test/vm/vitest.config.js';

function refuse(line) {
  say(line);
  process.exit(2);
}

function checkNeeds() {
  if (process.arch !== 'x64' || process.platform !== 'linux') refuse('needs Linux on x86-64');
  if (process.getuid() !== 0) refuse('needs root, to unpack a Debian root with its owners');
  const missing = Object.entries(NEEDS).filter(
    ([program]) => spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status !== 0,
  );
  if (missing.length > 0)
    refuse(`needs ${missing.map(([program, source]) => `${program} (package ${source})`).join(', ')}`);
  if (!existsSync(path.join(project, 'dist', 'test', 'vm'))) refuse("needs a build: 'npm run build'");
}

/** An archive as the kernel unpacks it, of names below a folder. */
function archive(folder, file) {
  const find = spawnSync('find', ['.', '-xdev', '-print0'], { cwd: folder, maxBuffer: 2 ** 28 });
  const words = ['--create', '--null', '--format=newc', '--quiet', '--reproducible', `--file=${file}`];
  execFileSync('cpio', words, { cwd: folder, input: find.stdout, stdio: ['pipe', 2, 2] });
}

/** Debian with a kernel; made once. The machine's own list of mirrors, if it is one of bookworm. */
function debian() {
  const fingerprint = createHash('sha256')
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .update(process.version)
    .digest('hex')
    .slice(0, 16);
  const made = {
    root: path.join(cache, `debian-${fingerprint}.cpio`),
    kernel: path.join(cache, `vmlinuz-${fingerprint}`),
  };
  if (existsSync(made.root)) return made;
  say('making a Debian root and its kernel (once; some minutes) …');
  for (const old of readdirSync(cache)) rmSync(path.join(cache, old), { recursive: true });
  mkdirSync(scratch);
  try {
    const root = path.join(scratch, 'root');
    const list = '/etc/apt/sources.list.d/debian.sources';
    const sources = existsSync(list) && /\bbookworm\b/.test(readFileSync(list, 'utf8')) ? [list] : [];
    // Unpacked and not installed: a kernel's installation wants a boot loader and an initial root of its own. And not
    // over the root, whose /lib is a link.
    const fetch = [
      'cd /tmp',
      `apt-get download $(apt-cache depends ${KERNEL} | sed -n "s/.*Depends: \\(linux-image-[0-9].*\\)/\\1/p")`,
      'dpkg-deb --extract linux-image-*.deb kernel',
      'mv kernel/lib/modules /usr/lib/',
      'mv kernel/boot/vmlinuz-* /boot/vmlinuz',
      'depmod $(ls /usr/lib/modules)',
      'rm -r kernel linux-image-*.deb',
    ].join(' && ');
    const hooks = [`--customize-hook=chroot "$1" sh -c '${fetch}'`];
    const without = ['doc', 'man', 'info', 'locale'].map(
      (kind) => `--dpkgopt=path-exclude=/usr/share/${kind}/*`,
    );
    const words = ['--quiet', '--mode=root', '--variant=minbase', `--include=${PACKAGES}`];
    loud('mmdebstrap', [...words, ...without, ...hooks, 'bookworm', root, ...sources]);
    copyFileSync(path.join(root, 'boot', 'vmlinuz'), made.kernel);
    rmSync(path.join(root, 'boot'), { recursive: true });
    copyFileSync(process.execPath, path.join(root, 'usr', 'local', 'bin', 'node'));
    archive(root, `${made.root}.part`);
    renameSync(`${made.root}.part`, made.root);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return made;
}

/** Archives one after the other are one to the kernel: what comes later lies over what came before. */
async function initialRoot(base) {
  const tree = path.join(scratch, 'tree');
  const inside = path.join(tree, 'meshbeat');
  mkdirSync(inside, { recursive: true });
  for (const part of PARTS) cpSync(path.join(project, part), path.join(inside, part), { recursive: true });
  copyFileSync(path.join(here, 'init'), path.join(tree, 'init'));
  chmodSync(path.join(tree, 'init'), 0o755);
  const job = [
    'set -e',
    'export MESHBEAT_REQUIRE_ALL=1',
    `export MESHBEAT_TEST_SLOWNESS=${slowness}`,
    command,
  ];
  writeFileSync(path.join(tree, 'job'), job.join('\n') + '\n');
  const own = path.join(scratch, 'project.cpio');
  archive(tree, own);
  const whole = path.join(scratch, 'initrd');
  await pipeline(createReadStream(base), createWriteStream(whole));
  await pipeline(createReadStream(own), createWriteStream(whole, { flags: 'a' }));
  rmSync(own);
  rmSync(tree, { recursive: true });
  return whole;
}

/** Boots, and prints what comes over the serial line; resolves with all of it when the machine is off. */
function boot(kernel, initrd) {
  const accelerator =
    values.accel === 'tcg'
      ? ['-accel', 'tcg,thread=multi', '-cpu', 'max']
      : ['-accel', values.accel, '-cpu', 'host'];
  const words = [
    ...accelerator,
    ...['-machine', 'q35', '-smp', '2', '-m', MEMORY, '-nodefaults', '-no-user-config', '-no-reboot'],
    ...['-display', 'none', '-serial', 'stdio', '-kernel', kernel, '-initrd', initrd],
    // The counter of an emulated processor is the host's, so it may be trusted; and what guards against processors costs.
    ...['-append', 'console=ttyS0 quiet panic=-1 mitigations=off clocksource=tsc tsc=reliable'],
  ];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64', ...words], {
    stdio: ['ignore', 'pipe', 2],
  });
  const stop = () => child.kill('SIGKILL');
  const limit = setTimeout(() => {
    say(`not done after ${LIMIT_MINUTES} minutes`);
    stop();
  }, LIMIT_MINUTES * 60_000);
  process.once('SIGINT', stop).once('SIGTERM', stop);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
    process.stdout.write(chunk);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(limit);
      resolve(text.replaceAll('\r', ''));
    });
  });
}

checkNeeds();
mkdirSync(cache, { recursive: true });
rmSync(scratch, { recursive: true, force: true });
const { root, kernel } = debian();
let log;
try {
  log = await boot(kernel, await initialRoot(root));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
const status = Number(/^vm: ended with status (\d+)$/m.exec(log)?.[1] ?? 1);
if (values.report !== undefined) {
  writeFileSync(values.report, report(log, status));
  execFileSync(process.execPath, [
    path.join(project, 'node_modules/prettier/bin/prettier.cjs'),
    '--write',
    '--log-level=error',
    values.report,
  ]);
}
process.exitCode = status;

/** What stays of a run: when, where, what, and the job's own words. */
function report(log, status) {
  const begin = log.indexOf('vm: kernel');
  const end = log.indexOf('\n', log.indexOf('vm: ended with status'));
  const words = log.slice(Math.max(0, begin), end < 0 ? undefined : end).replaceAll(/[ \t]+$/gm, '');
  const kernel = /^vm: kernel (\S+?),/m.exec(log)?.[1] ?? 'unknown (it did not come up)';
  const told = process.argv.slice(2).join(' ');
  return [
    '# Test report: the netem driver on a kernel that has netem',
    '',
    `Written by \`node test/vm/run.mjs ${told}\`; do not edit. What the machine is, and how to run it, is in`,
    '[CONTRIBUTING.md](../../CONTRIBUTING.md#a-kernel-that-has-netem).',
    '',
    '| what | value |',
    '| --- | --- |',
    `| date | ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC |`,
    `| result | ${status === 0 ? 'passed' : `failed, status ${status}`} |`,
    `| guest kernel | Debian ${kernel} |`,
    `| machine | qemu-system-x86_64, accelerator ${values.accel}, 2 processors |`,
    `| Node | ${process.version} |`,
    `| networks of the tests | ${slowness} times slower than written (\`MESHBEAT_TEST_SLOWNESS\`) |`,
    `| job | \`${command}\` |`,
    '',
    '## The log',
    '',
    '```',
    words.trim(),
    '```',
    '',
  ].join('\n');
}
