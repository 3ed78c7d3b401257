/**
 * A Linux network namespace that belongs to this process.
 *
 * It has no name and no file: an open descriptor is all that keeps it alive. So when the process ends,
 * however it ends, the kernel takes the namespace away with every link, address and rule in it, and
 * nothing is ever left to clean up.
 *
 * A namespace is a property of a thread. inside() moves the calling thread in, runs a synchronous function
 * and moves back: what the function opens (a device, a child process) stays in the namespace. A node's
 * thread instead enters for good with enterNamespace(), so that all its later sockets are there.
 */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { RunError } from '../../errors.js';
import { runIp } from './ip.js';
import { setNetworkNamespace, unshareNetwork } from './syscalls.js';

/** The calling thread's own namespace (`/proc/self` would be the main thread's). */
const OWN = '/proc/thread-self/ns/net';

export class Namespace {
  /** What it is for, in error messages. */
  readonly label: string;
  readonly fd: number;
  #open = true;

  private constructor(label: string, fd: number) {
    this.label = label;
    this.fd = fd;
  }

  /** Makes an empty namespace (one loopback interface, down). */
  static create(label: string): Namespace {
    const home = openSync(OWN, 'r');
    try {
      unshareNetwork();
      try {
        return new Namespace(label, openSync(OWN, 'r'));
      } finally {
        setNetworkNamespace(home);
      }
    } finally {
      closeSync(home);
    }
  }

  /** A path by which other programs (`ip link set … netns PATH`) can name it while this process lives. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.fd}`;
  }

  /** Runs a synchronous function with the calling thread in this namespace. */
  inside<T>(action: () => T): T {
    return insideNamespace(this.fd, action);
  }

  /** Runs lines of `ip -batch` inside. Errors name the namespace and quote ip's own words. */
  ip(lines: readonly string[]): void {
    this.inside(() => runIp(lines, this.label));
  }

  /** Sets kernel parameters, e.g. `net/ipv4/ip_forward`, of this namespace only. */
  sysctl(values: Readonly<Record<string, string>>): void {
    this.inside(() => {
      for (const [key, value] of Object.entries(values)) {
        try {
          writeFileSync(`/proc/sys/${key}`, value);
        } catch (error) {
          throw new RunError(
            `setting ${key} = ${value} for ${this.label} failed: ${(error as Error).message}`,
          );
        }
      }
    });
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.fd);
  }
}

/** Runs a synchronous function with the calling thread in the namespace of a descriptor. */
export function insideNamespace<T>(fd: number, action: () => T): T {
  const home = openSync(OWN, 'r');
  try {
    setNetworkNamespace(fd);
    try {
      return action();
    } finally {
      setNetworkNamespace(home);
    }
  } finally {
    closeSync(home);
  }
}

/** Moves the calling thread into a namespace for good; call it before the thread opens its first socket. */
export function enterNamespace(fd: number): void {
  setNetworkNamespace(fd);
}
