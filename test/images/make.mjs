/**
 * Stand-ins for the public images, for a machine that cannot pull any.
 *
 *     node test/images/make.mjs
 *
 * The Dockerfile stands on an image of Node, docker-compose.yml on one of Prometheus. Where neither is here nor
 * can be pulled, this builds something that answers to the same names and looks alike from inside: a Debian root
 * by mmdebstrap, and in it the machine's own Node and npm, or its own Prometheus. Enough to test how *we* build
 * and start on them; not a test of the real images, and never published.
 *
 * The names come from the files that use them. A stand-in is labelled, and only a stand-in is ever replaced.
 * It reaches the package registries as this machine does: by a few settings of npm and apt, copied by name, so
 * that no credential gets into an image, and by its certificate authorities. Grafana has no stand-in.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const project = fileURLToPath(new URL('../..', import.meta.url));
const docker = process.env['MESHBEAT_DOCKER'] ?? 'docker';
const recipe = readFileSync(fileURLToPath(import.meta.url));
const LABEL = 'meshbeat.standin';
const ROOT = 'meshbeat-standin/debian:bookworm';
const NPM_SETTINGS = ['registry', 'cafile', 'proxy', 'https-proxy', 'noproxy'];
const APT_SETTINGS = /^Acquire::(Check-|Retries|http::Proxy |https::(Proxy|CaInfo) )/;
const CREDENTIALS = /:\/\/[^/\s]*@/;

const say = (line) => process.stderr.write(`stand-in images: ${line}\n`);
const output = (program, ...words) =>
  execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
const loud = (program, words, options = {}) =>
  execFileSync(program, words, { stdio: ['ignore', 2, 2], ...options });

/** The one public image that the Dockerfile stands on. */
function baseOfDockerfile() {
  const text = readFileSync(path.join(project, 'Dockerfile'), 'utf8');
  const stages = [...text.matchAll(/^FROM\s+(\S+)(?:\s+AS\s+(\S+))?/gim)];
  const own = new Set(stages.map(([, , name]) => name));
  const bases = new Set(stages.map(([, from]) => from).filter((from) => !own.has(from)));
  if (bases.size !== 1) throw new Error(`the Dockerfile stands on ${bases.size} images, expected one`);
  return [...bases][0];
}

function imageOfService(service) {
  const { services } = parse(readFileSync(path.join(project, 'docker-compose.yml'), 'utf8'));
  return services[service].image;
}

/** 'absent', 'real', or the fingerprint of the stand-in that has this name. */
function present(image) {
  const format = `{{index .Config.Labels "${LABEL}"}}`;
  const { status, stdout } = spawnSync(docker, ['image', 'inspect', '-f', format, image], {
    encoding: 'utf8',
  });
  if (status !== 0) return 'absent';
  return stdout.trim() === '' ? 'real' : stdout.trim();
}

const canPull = (image) =>
  spawnSync(docker, ['pull', '--quiet', image], { stdio: 'ignore', timeout: 300_000 }).status === 0;

/** Sees to it that there is an image of this name; `build` makes a stand-in in an empty folder. */
function provide(image, ingredients, build) {
  const hash = createHash('sha256').update(recipe).update(JSON.stringify(ingredients));
  const fingerprint = hash.digest('hex').slice(0, 16);
  const found = present(image);
  if (found === 'real' || found === fingerprint) return;
  if (found === 'absent' && image !== ROOT && canPull(image)) return say(`pulled ${image}`);
  const started = performance.now();
  const folder = mkdtempSync(path.join(tmpdir(), 'meshbeat-standin-'));
  try {
    build(folder, `${LABEL}=${fingerprint}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  say(
    `made ${image} from ${ingredients.join(', ')} in ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
}

/** This machine's settings of apt that say how a mirror is reached. */
function aptSettings() {
  const lines = output('apt-config', 'dump').split('\n');
  return lines.filter((line) => APT_SETTINGS.test(line) && !CREDENTIALS.test(line) && !line.endsWith(' "";'));
}

/** A small Debian, as the slim images of Docker Hub are: no documentation, no recommended packages. */
function makeRoot(folder, label) {
  const archive = path.join(folder, 'root.tar');
  const settings = path.join(folder, 'apt.conf');
  writeFileSync(settings, aptSettings().join('\n') + '\n');
  const options = [
    '--quiet',
    '--mode=root',
    '--variant=minbase',
    '--include=busybox,ca-certificates,libstdc++6',
  ];
  for (const kind of ['doc', 'man', 'info', 'locale'])
    options.push(`--dpkgopt=path-exclude=/usr/share/${kind}/*`);
  loud('mmdebstrap', [...options, `--aptopt=${settings}`, 'bookworm', archive, ...debianSources()]);
  loud(docker, ['import', '--change', `LABEL ${label}`, '--change', 'CMD ["bash"]', archive, ROOT]);
}

/** The machine's own list of mirrors, if it is one of bookworm; else mmdebstrap knows the usual ones. */
function debianSources() {
  const list = '/etc/apt/sources.list.d/debian.sources';
  return existsSync(list) && /\bbookworm\b/.test(readFileSync(list, 'utf8')) ? [list] : [];
}

function build(image, label, folder, dockerfile) {
  writeFileSync(path.join(folder, 'Dockerfile'), [`FROM ${ROOT}`, ...dockerfile, ''].join('\n'));
  // The classic builder of old engines and BuildKit both take this.
  loud(docker, ['build', '--quiet', '--network=host', '--label', label, '--tag', image, folder]);
}

/** As the image of Node is: node and npm under /usr/local, a user `node` with number 1000. */
function makeNode(image, folder, label) {
  const npm = path.resolve(realpathSync(output('sh', '-c', 'command -v npm')), '../..');
  mkdirSync(path.join(folder, 'bin'));
  cpSync(process.execPath, path.join(folder, 'bin', 'node'));
  cpSync(npm, path.join(folder, 'npm'), { recursive: true });
  const settings = NPM_SETTINGS.map((name) => [name, output('npm', 'config', 'get', name)]);
  const said = settings.filter(
    ([, value]) => !['null', 'undefined', ''].includes(value) && !CREDENTIALS.test(value),
  );
  const certificates = said.find(([name]) => name === 'cafile')?.[1] ?? process.env['NODE_EXTRA_CA_CERTS'];
  const inside = '/etc/ssl/certs/ca-certificates.crt';
  if (certificates !== undefined) cpSync(certificates, path.join(folder, 'authorities.crt'));
  else writeFileSync(path.join(folder, 'authorities.crt'), '');
  const lines = said.map(([name, value]) => `${name}=${name === 'cafile' ? inside : value}`);
  writeFileSync(path.join(folder, 'npmrc'), lines.join('\n') + '\n');
  build(image, label, folder, [
    'COPY bin /usr/local/bin',
    'COPY npm /usr/local/lib/node_modules/npm',
    'COPY npmrc /usr/local/etc/npmrc',
    'COPY authorities.crt /tmp/authorities.crt',
    'RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \\',
    ' && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \\',
    ' && groupadd --gid 1000 node && useradd --uid 1000 --gid node --shell /bin/bash --create-home node \\',
    ` && if [ -s /tmp/authorities.crt ]; then cp /tmp/authorities.crt ${inside}; fi \\`,
    ' && rm /tmp/authorities.crt',
    `ENV NODE_EXTRA_CA_CERTS=${inside}`,
    'CMD ["node"]',
  ]);
}

/** As the image of Prometheus is: the same paths, the same user, the same first words. */
function makePrometheus(image, folder, label, program) {
  mkdirSync(path.join(folder, 'bin'));
  cpSync(program, path.join(folder, 'bin', 'prometheus'));
  build(image, label, folder, [
    'COPY bin /bin/',
    // The real image has its tools from busybox, wget among them, which asks whether it is healthy.
    'RUN ln -s busybox /bin/wget && mkdir -p /prometheus /etc/prometheus && chown nobody:nogroup /prometheus /etc/prometheus',
    'USER nobody',
    'EXPOSE 9090',
    'VOLUME ["/prometheus"]',
    'WORKDIR /prometheus',
    'ENTRYPOINT ["/bin/prometheus"]',
    'CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]',
  ]);
}

const debian = () => provide(ROOT, ['Debian bookworm'], makeRoot);
const base = baseOfDockerfile();
provide(base, [`Node ${process.version}`, `npm ${output('npm', '--version')}`], (folder, label) => {
  debian();
  makeNode(base, folder, label);
});
const prometheus = imageOfService('prometheus');
const program = spawnSync('sh', ['-c', 'command -v prometheus'], { encoding: 'utf8' }).stdout.trim();
provide(prometheus, [`this machine's ${program || 'prometheus'}`], (folder, label) => {
  if (program === '')
    throw new Error(`no ${prometheus} here, and no program 'prometheus' to make a stand-in of`);
  debian();
  makePrometheus(prometheus, folder, label, program);
});
