/**
 * Kernel settings that a namespace made by others must have before packets can be shaped in it.
 *
 * In a container /proc/sys is read-only, and only who starts the container can set them. So they are read
 * first; where the process may, it mends what is wrong and puts it back at the end; where it may not, one
 * error lists all that is wrong, in the words that mend it. Source checks (rp_filter, accept_local) are not
 * among it: the detour passes the strictest.
 *
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
  /** What this process writes to mend it. */
  readonly mend: readonly [key: string, value: string];
  /** What mends it for who starts the container: `KEY=VALUE`. */
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
    `packets can't be shaped with these kernel settings, which this process may not change: ${wrong.join('; ')}. ` +
    `Start the container with ${quoted.join(' ')} (in a compose file: the same KEY=VALUE under sysctls:)`
  );
}

function needs(device: string, tcp: TcpOptions, files: SettingsFiles): Need[] {
  const forwarding = [device, SHAPED_DEVICE].map((name) => ({
    ...need(`net/ipv4/conf/${name}/forwarding`, '1', files),
    start: 'net.ipv4.ip_forward=1',
  }));
  const others = Object.entries(kernelSettings(tcp)).map(([key, value]) => need(key, value, files));
  return [...forwarding, ...others];
}

/** The number in a file must be as said; of several numbers, none may be smaller. */
function need(key: string, value: string, files: SettingsFiles): Need {
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
