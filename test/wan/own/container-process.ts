/**
 * A process with what a container gives it: user 1000, one capability or none, a TUN device or none, /proc/sys
 * to look at only. All of that are mounts in a namespace of its own; nothing of this machine is changed.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Namespace } from '../../../src/wan/netns/namespace.js';
import type { OwnAccessOptions } from '../../../src/wan/own/index.js';
import { PROJECT } from '../../support/meshbeat.js';

const ENTRY = relative(PROJECT, fileURLToPath(new URL('./resident-process.js', import.meta.url)));

export interface Rights {
  /** /dev/net/tun: for all, for root only, or not there. */
  readonly device?: 'open' | 'closed' | 'missing';
  readonly netAdmin?: boolean;
}

export class ContainerProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #said = '';

  constructor(namespace: Namespace, options: OwnAccessOptions, { device = 'open', netAdmin = true }: Rights) {
    const folder = mkdtempSync(join(tmpdir(), 'meshbeat-'));
    const script = [
      'set -e',
      // On a file system of its own, since the one of the folder may forbid devices.
      `mount -t tmpfs -o mode=755 tmpfs '${folder}'`,
      `mkdir '${folder}/project' '${folder}/net'`,
      `mount --bind '${PROJECT}' '${folder}/project'`,
      `touch '${folder}/node'`,
      `mount --bind '${process.execPath}' '${folder}/node'`,
      ...(device === 'missing'
        ? []
        : [
            `mknod '${folder}/net/tun' c 10 200`,
            `chmod ${device === 'open' ? '666' : '600'} '${folder}/net/tun'`,
          ]),
      `mount --bind '${folder}/net' /dev/net`,
      'mount --bind /proc/sys /proc/sys',
      'mount -o remount,bind,ro /proc/sys',
      `cd '${folder}'`,
      'exec "$@"',
    ].join('\n');
    const capabilities = netAdmin ? '-all,+net_admin' : '-all';
    const command = [
      ...['nsenter', `--net=${namespace.path}`, 'unshare', '--mount', '--', 'sh', '-c', script, 'sh'],
      ...['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups', '--pdeathsig=KILL'],
      `--inh-caps=${capabilities}`,
      `--ambient-caps=${capabilities}`,
      `--bounding-set=${capabilities}`,
      ...['--', `${folder}/node`, join(folder, 'project', ENTRY), JSON.stringify(options)],
    ];
    const [program = '', ...words] = command;
    this.#child = spawn(program, words, { stdio: ['pipe', 'ignore', 'pipe'] });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    this.#ended = once(this.#child, 'close').finally(() => rmSync(folder, { recursive: true }));
  }

  /** Waits until the access is open; throws what the process said if it ends before. */
  async open(): Promise<void> {
    while (!this.#said.includes('open\n')) {
      if (this.#child.exitCode !== null) throw new Error(this.#said);
      await Promise.race([once(this.#child.stderr!, 'data'), this.#ended]);
    }
  }

  /** Closes the access; throws what the process said if it could not. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
    if (this.#child.exitCode !== 0) throw new Error(this.#said);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
