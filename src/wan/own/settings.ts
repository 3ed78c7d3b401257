/**
 * Kernel settings that a namespace made by others must have before packets can be shaped in it.
 *
 * In a container /proc/sys is read-only, and only who starts the container can set them. So they are read
 * first; where the process may, it mends what is wrong and puts it back at the end; where it may not, one
 * error lists all that is wrong, in the words that mend it.
 *
 * Where a device's setting and that of `all` work together, what counts is what the kernel makes of both.
 * /proc/sys/net shows the settings of the network namespace of the thread that looks.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { RunError } from '../../errors.js';
import { SHAPED_DEVICE, type TcpOptions } from '../netns/detour.js';
import { kernelSettings } from '../netns/kernel.js';

/** Files below /proc/sys, by names such as `net/ipv4/ip_forward`. */
export interface SettingsFiles {
  read(key: string): string;
  /** Throws where the setting can't be written. */
  write(key: string, value: string): void;
}

export const procSys: SettingsFiles = {
  read: (key) => readFileSync(`/proc/sys/${key}`, 'utf8').trim(),
  write: (key, value) => writeFileSync(`/proc/sys/${key}`, value),
};

/** One thing that must hold. */
interface Need {
  readonly what: string;
  readonly found: string;
  readonly needed: string;
  readonly holds: boolean;
  /** File and value with which this process mends it. */
  readonly mend: readonly [key: string, value: string];
  /** The same for who starts the container: `KEY=VALUE`. */
  readonly start: string;
}

/**
 * Sees to it that all settings are as they must be; the function returned undoes what was changed.
 * Throws a RunError that lists what is wrong and can't be set; nothing has been changed then.
 */
export function furnishSettings(device: string, tcp: TcpOptions, files: SettingsFiles): () => void {
  const changed: (readonly [key: string, before: string])[] = [];
  const undo = (): void => {
    // A file may be gone with its device.
    for (const [key, before] of changed.reverse()) attempt(() => files.write(key, before));
    changed.length = 0;
  };
  const refused = needs(device, tcp, files).filter(({ holds, mend: [key, value] }) => {
    if (holds) return false;
    const before = files.read(key);
    const done = attempt(() => files.write(key, value));
    if (done) changed.push([key, before]);
    return !done;
  });
  if (refused.length > 0) {
    undo();
    throw new RunError(refusal(refused));
  }
  return undo;
}

function refusal(refused: readonly Need[]): string {
  const wrong = refused.map(({ what, found, needed }) => `${what} is ${found}, must be ${needed}`);
  const starts = [...new Set(refused.map(({ start }) => start))];
  const quoted = starts.map((start) => `--sysctl ${start.includes(' ') ? `'${start}'` : start}`);
  return (
    `packets can't be shaped in this network namespace, and /proc/sys is read-only: ${wrong.join('; ')}. ` +
    `Start the container with ${quoted.join(' ')} (in a compose file: the same KEY=VALUE under sysctls:)`
  );
}

function needs(device: string, tcp: TcpOptions, files: SettingsFiles): Need[] {
  return [
    ...[device, SHAPED_DEVICE].flatMap((name) => deviceNeeds(name, files)),
    // What this node sends comes back from wan0 and has an address of its own as its source.
    together('accept_local', SHAPED_DEVICE, '1', (value) => value === 1, files),
    ...Object.entries(kernelSettings(tcp)).map(([key, value]) => plain(key, value, files)),
  ];
}

function deviceNeeds(device: string, files: SettingsFiles): Need[] {
  const forwarding = `net/ipv4/conf/${device}/forwarding`;
  return [
    { ...plain(forwarding, '1', files), start: 'net.ipv4.ip_forward=1' },
    // By the rules of routing the way back is wan0, so the strict check (1) would drop what arrives on the mesh.
    together('rp_filter', device, '2', (value) => value !== 1, files),
  ];
}

/** A file by itself. Numbers in it must be as said; of several, none may be smaller. */
function plain(key: string, value: string, files: SettingsFiles): Need {
  const found = files.read(key);
  const [have, want] = [numbers(found), numbers(value)];
  const several = want.length > 1;
  return {
    what: dotted(key),
    found: have.join(' '),
    needed: several ? `at least ${value}` : value,
    holds: want.every((number, index) => (several ? have[index]! >= number : have[index] === number)),
    mend: [key, value],
    start: `${dotted(key)}=${value}`,
  };
}

/** A setting of a device that counts together with that of `all`: the larger of the two holds. */
function together(
  name: string,
  device: string,
  value: string,
  good: (value: number) => boolean,
  files: SettingsFiles,
): Need {
  const key = `net/ipv4/conf/${device}/${name}`;
  const all = `net/ipv4/conf/all/${name}`;
  const effective = Math.max(Number(files.read(key)), Number(files.read(all)));
  return {
    what: dotted(key),
    found: String(effective),
    needed: name === 'rp_filter' ? '0 or 2' : value,
    holds: good(effective),
    mend: [key, value],
    start: `${dotted(all)}=${value}`,
  };
}

const numbers = (text: string): number[] => text.trim().split(/\s+/).map(Number);
/** In the notation of `sysctl`. A dot in a device's name (a VLAN's) becomes a slash there. */
const dotted = (key: string): string => key.replace(/[./]/g, (sign) => (sign === '/' ? '.' : '/'));

function attempt(action: () => void): boolean {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}
