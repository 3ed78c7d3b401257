/**
 * The image: what is in it, what is not, and who one is inside. What its containers do together is tested with
 * the compose file; here each stands alone and without a network.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunSummary } from '../../src/run/files.js';
import {
  BASE,
  BUILD_LIMIT_MS,
  call,
  docker,
  dockerNeeds,
  IMAGE,
  imagesReady,
  tunDevice,
} from '../support/docker.js';
import { DOCKER } from '../support/engine.js';
import { scratchFolder } from '../support/files.js';
import { fixture } from '../support/fixtures.js';
import { PROJECT, readJson } from '../support/meshbeat.js';
import { describeIf } from '../support/requires.js';
import { secretsIn, secretsInFile } from '../support/secrets.js';

/** What the image may add to the public one it stands on, bytes; it was 42 MB when this was written. */
const BUDGET = 60e6;
const HARDENED = ['--network=none', '--read-only', '--tmpfs=/tmp', '--cap-drop=ALL'];

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly optional?: boolean }>>;
}

const scratch = scratchFolder();
const containers: string[] = [];

afterAll(async () => {
  if (containers.length > 0) await docker('rm', '--force', '--volumes', ...containers);
});

/** Runs a program of the image to its end. */
const inside = (...words: string[]): Promise<string> => {
  const [program = '', ...rest] = words;
  return docker('run', '--rm', '--network=none', `--entrypoint=${program}`, IMAGE, ...rest);
};
const asRoot = (...words: string[]): Promise<string> =>
  docker('run', '--rm', '--network=none', '--user=0', '--entrypoint=env', IMAGE, ...words);

describeIf(dockerNeeds(), 'the image', () => {
  beforeAll(imagesReady, BUILD_LIMIT_MS);

  test('is meshbeat of this version, and the compose file takes it by that name', async () => {
    const { version } = readJson<{ version: string }>(join(PROJECT, 'package.json'));
    expect(await docker('run', '--rm', '--network=none', IMAGE, '--version')).toBe(version);
    expect(readFileSync(join(PROJECT, 'docker-compose.yml'), 'utf8')).toContain(`meshbeat:${version}}`);
  });

  test('trains as an ordinary user who may write to nothing but /tmp', async () => {
    expect(await inside('id', '-u')).toBe('1000');
    const fixtures = `--volume=${fixture('scenarios')}:/scenarios:ro`;
    const run = [
      'run',
      '/scenarios/tiny.yaml',
      '--set',
      'rounds=2',
      '--fabric',
      'threads',
      '--out',
      '/tmp/runs',
      '--json',
    ];
    // The gate may find this machine too busy, and the exit status then says so; `|| true` lets it.
    const script = 'entrypoint.sh "$@" || true';
    const options = [...HARDENED, fixtures, '--entrypoint=sh'];
    const command = [DOCKER, 'run', '--rm', ...options, IMAGE, '-c', script, 'sh', ...run];
    const { stdout } = await call(command, { limitMs: 240_000 });
    const summary = JSON.parse(stdout) as RunSummary;
    expect(summary.training.weightsSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(summary.training.finalLoss).toBeLessThan(summary.training.initialLoss);
  });

  test('has the packages that run, and none that only build or test', async () => {
    const files = (await inside('find', '/opt/meshbeat', '-printf', '%P\\n')).split('\n');
    const present = new Set(files);
    const { packages } = readJson<Lock>(join(PROJECT, 'package-lock.json'));
    const names = Object.entries(packages).filter(([name]) => name !== '');
    const needed = names.filter(([, { dev, optional }]) => dev !== true && optional !== true);
    expect(needed.length).toBeGreaterThan(20);
    expect(needed.map(([name]) => name).filter((name) => !present.has(name))).toEqual([]);
    const forTests = names.filter(([, { dev }]) => dev === true).map(([name]) => name);
    expect(forTests).toContain('node_modules/typescript');
    expect(forTests.filter((name) => present.has(name))).toEqual([]);
    const own = files.filter((file) => !file.startsWith('node_modules/'));
    expect(own).toContain('dist/src/cli/main.js');
    expect(
      own.filter((file) => /\.(ts|map|test\.js)$|^(dist\/)?(test|bench|\.git|runs)(\/|$)/.test(file)),
    ).toEqual([]);
  });

  test('gives two programs one purpose each, and no program its owner’s rights', async () => {
    const [tcpdump, setter] = ['/usr/bin/tcpdump cap_net_raw=ep', '/usr/local/bin/with-net-admin'];
    const capabilities = (await inside('/sbin/getcap', '-r', '/usr')).split('\n').sort();
    expect(capabilities).toEqual([tcpdump, `${setter} cap_net_admin,cap_sys_nice=p`]);
    expect(await asRoot('find', '/', '-xdev', '-perm', '/6000', '-type', 'f')).toBe('');
  });

  test('adds little to the image it stands on', async () => {
    const sizes = await Promise.all(
      [IMAGE, BASE].map((name) => docker('image', 'inspect', '-f', '{{.Size}}', name)),
    );
    const [whole = NaN, base = NaN] = sizes.map(Number);
    console.log(
      `image: ${(whole / 1e6).toFixed(0)} MB, of which ours ${((whole - base) / 1e6).toFixed(1)} MB`,
    );
    expect(whole - base).toBeGreaterThan(0);
    expect(whole - base).toBeLessThan(BUDGET);
  });

  test('holds no secret in any layer, nor in what Docker tells of it', async () => {
    const told = [await docker('image', 'inspect', IMAGE), await docker('history', '--no-trunc', IMAGE)];
    expect(secretsIn(told.join('\n'))).toEqual([]);
    const [archive, layers] = [join(scratch, 'image.tar'), join(scratch, 'layers')];
    mkdirSync(layers);
    await docker('save', '--output', archive, IMAGE);
    await call(['tar', '--extract', `--file=${archive}`, `--directory=${layers}`]);
    rmSync(archive);
    // In the order in which they lie on each other; the public image's own come first.
    const [{ Layers = [] } = {}] = readJson<{ Layers?: string[] }[]>(join(layers, 'manifest.json'));
    const below = Number(await docker('image', 'inspect', '-f', '{{len .RootFS.Layers}}', BASE));
    expect(Layers.length).toBeGreaterThan(below);
    const ours = Layers.slice(below).flatMap((layer) => secretsInFile(join(layers, layer)));
    expect(ours).toEqual([]);
    // Debian's libraries test themselves with keys that everybody has; but no access may have come in with a base.
    const theirs = Layers.slice(0, below).flatMap((layer) => secretsInFile(join(layers, layer)));
    expect(theirs.filter(({ kind }) => kind.endsWith('token'))).toEqual([]);
  });
});

describeIf(dockerNeeds(), 'who one is in a container', () => {
  beforeAll(imagesReady, BUILD_LIMIT_MS);

  const NET_ADMIN = '--cap-add=NET_ADMIN';
  const node = ['node', '--join', '127.0.0.1:1'];

  test.each([
    ['the capability', [], /needs --cap-add NET_ADMIN/],
    ['new privileges', [NET_ADMIN, '--security-opt=no-new-privileges'], /not no-new-privileges/],
    ['the device', [NET_ADMIN], /needs --device \/dev\/net\/tun/],
  ])('a node without %s says what it needs', async (_what, options, message) => {
    const { status, stderr } = await ended([...HARDENED, ...options, IMAGE, ...node]);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });

  test('a node without any privilege still explains itself', async () => {
    const { status, stdout } = await ended([...HARDENED, IMAGE, 'node', '--help']);
    expect(stdout).toContain('--join');
    expect(status).toBe(0);
  });

  test('a node is user 1000 with the two capabilities it was given, and one process', async () => {
    // A token of the right form, for an orchestrator that is not there: so it waits for it.
    const [authority, secret] = [32, 24].map((bytes) => randomBytes(bytes).toString('base64url'));
    writeFileSync(join(scratch, 'join-token'), `meshbeat-1-${authority}-${secret}\n`);
    chmodSync(scratch, 0o755);
    const device = `--device=${await tunDevice(scratch)}:/dev/net/tun`;
    const powers = [NET_ADMIN, '--cap-add=SYS_NICE', device, `--volume=${scratch}:/run/meshbeat:ro`];
    const first = await started([...HARDENED, ...powers, IMAGE, ...node], /waiting/);
    expect(first).toMatchObject({ uid: 1000, effective: 'net_admin,sys_nice', children: 0 });
  });

  // Only root can give a folder away; anyone else tries it with their own.
  const own = process.geteuid?.() ?? 0;
  test.each(own === 0 ? [4321, 0] : [own])(
    'who writes to a folder of user %i becomes that user',
    async (owner) => {
      const runs = join(scratch, `runs-of-${owner}`);
      mkdirSync(runs);
      if (owner !== own) chownSync(runs, owner, owner);
      // Root stays root, with no more than the two capabilities that it needed to become somebody else.
      const effective = owner === 0 ? 'setgid,setuid' : '';
      const options = [
        '--user=0:0',
        '--cap-add=SETUID',
        '--cap-add=SETGID',
        '--security-opt=no-new-privileges',
      ];
      const scenario = [
        'orchestrate',
        'scenarios/diloco.yaml',
        '--token-file',
        '/tmp/join-token',
        '--out',
        '/runs',
      ];
      const mount = `--volume=${runs}:/runs`;
      const first = await started([...HARDENED, ...options, mount, IMAGE, ...scenario], /waiting/);
      expect(first).toMatchObject({ uid: owner, effective, children: 0 });
    },
  );
});

describe('what counts as a secret', () => {
  const key = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDcO';
  test.each([
    ['private key', `x\n-----BEGIN PRIVATE KEY-----\n${key}\n`],
    ['private key', `{"key":"-----BEGIN EC PRIVATE KEY-----\\n${key}"}`],
    ['join token', `token meshbeat-1-${'a'.repeat(43)}-${'b_'.repeat(16)}!`],
    ['npm token', '//registry.invalid/:_authToken=npm_0123456789abcdefghij'],
    ['password in a URL', 'fetching https://someone:hunter2@registry.invalid/x'],
  ])('a %s', (kind, text) => {
    expect(secretsIn(text)).toEqual([expect.objectContaining({ kind })]);
    expect(secretsIn(Buffer.from(text))).toHaveLength(1);
    expect(JSON.stringify(secretsIn(text))).not.toMatch(/hunter2|npm_|MIIE|a{3}/);
  });

  test.each([
    '-----BEGIN PRIVATE KEY-----',
    '_authToken=${NPM_TOKEN}',
    'meshbeat-1-HASH-SECRET',
    'https://host:443/',
  ])('but not the words for one: %s', (text) => expect(secretsIn(text)).toEqual([]));
});

/** Runs a container to its end, however it ends. */
async function ended(words: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const id = await docker('create', ...words);
  containers.push(id);
  await docker('start', id);
  const status = Number(await docker('wait', id));
  return { status, ...(await call([DOCKER, 'logs', id])) };
}

/** The numbers of capabilities in capability.h. */
const CAPABILITIES: ReadonlyMap<number, string> = new Map([
  [6, 'setgid'],
  [7, 'setuid'],
  [12, 'net_admin'],
  [23, 'sys_nice'],
]);

/** Starts a container, waits until it has said something, and tells what its first process is by /proc. */
async function started(
  words: string[],
  said: RegExp,
): Promise<{ uid: number; effective: string; children: number }> {
  const id = await docker('run', '--detach', ...words);
  containers.push(id);
  for (;;) {
    const { stdout, stderr } = await call([DOCKER, 'logs', id]);
    if (said.test(stderr)) break;
    const state = await docker('inspect', '-f', '{{.State.Status}}', id);
    if (state !== 'running') throw new Error(`the container is ${state}:\n${stdout}\n${stderr}`);
    await sleep(200);
  }
  const pid = await docker('inspect', '-f', '{{.State.Pid}}', id);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): string => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)?.[1] ?? '';
  const bits = BigInt(`0x${field('CapEff')}`);
  const set = Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => (bits >> BigInt(bit)) & 1n);
  const effective = set.map((bit) => CAPABILITIES.get(bit) ?? String(bit)).join();
  const inGroup = (await docker('top', id, '-eo', 'pid')).split('\n').length - 1;
  return { uid: Number(field('Uid')), effective, children: inGroup - 1 };
}
