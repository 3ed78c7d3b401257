/**
 * What a process has on this machine, read from /proc: its descendants and their network namespaces. So a test
 * can look at a run from outside while it lives, and ask afterwards whether anything of it is left. Linux only.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process that is told from a later one with the same number by the time it started. */
export interface ProcessId {
  readonly pid: number;
  readonly startTime: string;
  readonly parent: number;
  readonly program: string;
}

/** A process and all its descendants, as they are now. */
export function processTree(root: number): ProcessId[] {
  const all = everyProcess();
  const tree = all.filter(({ pid }) => pid === root);
  for (const member of tree) tree.push(...all.filter(({ parent }) => parent === member.pid));
  return tree;
}

/** Those of the given processes that still run. */
export function survivors(processes: readonly ProcessId[]): ProcessId[] {
  const now = new Set(everyProcess().map(identity));
  return processes.filter((process) => now.has(identity(process)));
}

/** Network namespaces that a process's threads are in or that its descriptors hold, by the kernel's numbers. */
export function networkNamespaces(pid: number): Set<string> {
  const links = [
    ...list(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/ns/net`),
    ...list(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`),
  ];
  return new Set(links.map(target).filter((name) => name.startsWith('net:[')));
}

/** Processes of this machine that are in one of the namespaces or hold one. */
export function holdersOf(namespaces: ReadonlySet<string>): ProcessId[] {
  return everyProcess().filter(({ pid }) => [...networkNamespaces(pid)].some((name) => namespaces.has(name)));
}

/** Names of this namespace's network interfaces, and of namespaces that have a name. */
export function networkNames(): string[] {
  return [...list('/sys/class/net'), ...list('/run/netns')].sort();
}

function everyProcess(): ProcessId[] {
  return list('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = read(`/proc/${name}/stat`);
      // The program's name stands in parentheses and may hold anything; the fields after it count from 3.
      const end = stat.lastIndexOf(')');
      const [state = '', parent = '', ...rest] = stat.slice(end + 2).split(' ');
      if (end < 0 || state === 'Z') return [];
      const program = stat.slice(stat.indexOf('(') + 1, end);
      return [{ pid: Number(name), parent: Number(parent), startTime: rest[17] ?? '', program }];
    });
}

const identity = ({ pid, startTime }: ProcessId): string => `${pid} ${startTime}`;

// A process may end while it is looked at: what is gone reads as nothing.
const list = (folder: string): string[] => orNothing(() => readdirSync(folder), []);
const read = (file: string): string => orNothing(() => readFileSync(file, 'latin1'), '');
const target = (link: string): string => orNothing(() => readlinkSync(link), '');

function orNothing<T>(look: () => T, nothing: T): T {
  try {
    return look();
  } catch {
    return nothing;
  }
}
