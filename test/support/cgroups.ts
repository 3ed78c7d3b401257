/**
 * Control groups, by which the kernel keeps accounts of a container: its memory, and which processes are of it.
 * Both versions; on a machine that has both, memory is where the first version has it. Linux only.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = '/sys/fs/cgroup';

export interface Memory {
  /** What `docker stats` shows: all, less files that could be dropped at once. Bytes. */
  readonly usedBytes: number;
  /** Of that, what is no file: heaps, stacks, buffers. Bytes. */
  readonly anonymousBytes: number;
}

/** Memory of the group that a process is in, and of the groups below. */
export function memoryOf(pid: number): Memory {
  const groups = textOf(`/proc/${pid}/cgroup`).split('\n');
  const first = groups
    .map((line) => /^\d+:(?:.*,)?memory(?:,.*)?:(.*)$/.exec(line)?.[1])
    .find((path) => path);
  if (first !== undefined) {
    const folder = join(ROOT, 'memory', first);
    const { total_inactive_file: droppable = 0, total_rss: anonymousBytes = 0 } = statistics(folder);
    return { usedBytes: numberIn(join(folder, 'memory.usage_in_bytes')) - droppable, anonymousBytes };
  }
  const folder = join(ROOT, /^0::(.*)$/m.exec(groups.join('\n'))?.[1] ?? '');
  const { inactive_file: droppable = 0, anon: anonymousBytes = 0 } = statistics(folder);
  return { usedBytes: numberIn(join(folder, 'memory.current')) - droppable, anonymousBytes };
}

/** Processes in groups that have one of these words, such as a container's number, in their names. */
export function processesIn(
  words: ReadonlySet<string>,
): { readonly pid: number; readonly command: string }[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const inside = pids.filter((pid) => {
    const groups = textOf(`/proc/${pid}/cgroup`);
    return [...words].some((word) => groups.includes(word));
  });
  return inside.map((pid) => ({
    pid: Number(pid),
    command: textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim(),
  }));
}

function statistics(folder: string): Partial<Record<string, number>> {
  const lines = readFileSync(join(folder, 'memory.stat'), 'utf8').trim().split('\n');
  const entries = lines
    .map((line) => line.split(' '))
    .map(([name = '', value]) => [name, Number(value)] as const);
  return Object.fromEntries<number>(entries);
}

const numberIn = (file: string): number => Number(readFileSync(file, 'utf8'));
// A process may end while it is looked at.
const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};
