/**
 * The few Linux system calls that Node has no word for, through koffi.
 *
 * Thin on purpose: each function is one call, checks its result and throws with errno's name and what was
 * being tried. Nothing here knows of links or nodes. The numbers are those of Linux on x86-64 and arm64,
 * which agree in all that is used here.
 */
import { closeSync } from 'node:fs';
import os from 'node:os';
import koffi from 'koffi';

const libc = koffi.load(null);
const cOpen = libc.func('int open(const char *path, int flags)');
const cRead = libc.func('int64_t read(int fd, _Out_ uint8_t *buffer, size_t count)');
const cWrite = libc.func('int64_t write(int fd, const uint8_t *buffer, size_t count)');
const cIoctl = libc.func('int ioctl(int fd, unsigned long request, _Inout_ uint8_t *argument)');
const cPpoll = libc.func(
  'int ppoll(_Inout_ uint8_t *fds, unsigned long count, const uint8_t *timeout, const void *mask)',
);
const cUnshare = libc.func('int unshare(int flags)');
const cSetns = libc.func('int setns(int fd, int type)');
const cPrctl = libc.func(
  'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
);
const cScheduler = libc.func('int sched_setscheduler(int pid, int policy, const int *priority)');
const cSchedulerAttributes = libc.func(
  'long syscall(long number, int pid, const uint8_t *attributes, uint flags)',
);

const cPidfdOpen = libc.func('long syscall(long number, int pid, uint flags)');
const cPidfdGetfd = libc.func('long syscall(long number, int pidfd, int fd, uint flags)');
const cSetsockopt = libc.func('int setsockopt(int fd, int level, int name, const int *value, uint length)');

const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const CLONE_NEWNET = 0x40000000;
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFREQ_BYTES = 40;
const PR_SET_TIMERSLACK = 29;
const SCHED_RR = 2;
const SYS_PIDFD_OPEN = 434;
const SYS_PIDFD_GETFD = 438;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
/** The one call whose number differs, and that libc has no name for. */
const SYS_SCHED_SETATTR = { x64: 314, arm64: 274 } as Readonly<Record<string, number>>;
const SCHED_ATTR_BYTES = 48;

/** A system call that failed; `code` is errno's name, as in Node's own errors. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  readonly call: string;
  readonly code: string;
  constructor(call: string, errno: number) {
    const code = errnoName(errno);
    super(`${call}: ${code}`);
    this.call = call;
    this.code = code;
  }
}

function errnoName(errno: number): string {
  return Object.entries(os.constants.errno).find(([, value]) => value === errno)?.[0] ?? `errno ${errno}`;
}

function check(result: number, call: string): number {
  if (result < 0) throw new SystemCallError(call, koffi.errno());
  return result;
}

/** Moves the calling thread (not the process) into a new network namespace. */
export function unshareNetwork(): void {
  check(cUnshare(CLONE_NEWNET) as number, 'unshare(CLONE_NEWNET)');
}

/** Moves the calling thread (not the process) into the network namespace behind a descriptor. */
export function setNetworkNamespace(fd: number): void {
  check(cSetns(fd, CLONE_NEWNET) as number, 'setns');
}

/**
 * Opens a TUN device (IP packets, no packet information header, non-blocking) in the thread's network
 * namespace. The device vanishes when the descriptor is closed.
 */
export function openTun(name: string): number {
  const fd = check(cOpen('/dev/net/tun', O_RDWR | O_NONBLOCK | O_CLOEXEC) as number, 'open /dev/net/tun');
  const request = Buffer.alloc(IFREQ_BYTES);
  request.write(name, 0, 15, 'ascii');
  request.writeUInt16LE(IFF_TUN | IFF_NO_PI, 16);
  try {
    check(cIoctl(fd, TUNSETIFF, request) as number, `ioctl TUNSETIFF ${name}`);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Reads one packet from a non-blocking descriptor; -1 when there is none. */
export function readPacket(fd: number, into: Uint8Array): number {
  const result = Number(cRead(fd, into, into.length) as number | bigint);
  if (result >= 0) return result;
  const errno = koffi.errno();
  if (errno === os.constants.errno.EAGAIN || errno === os.constants.errno.EINTR) return -1;
  throw new SystemCallError('read from TUN device', errno);
}

/** Writes one packet; false when the kernel refused it (its buffers full, or the packet malformed). */
export function writePacket(fd: number, packet: Uint8Array, length: number): boolean {
  return Number(cWrite(fd, packet, length) as number | bigint) === length;
}

const pauseLength = new Int32Array(4);
const pauseBytes = Buffer.from(pauseLength.buffer);

/** Blocks the thread for so many seconds, below one; less when a signal comes. */
export function pause(seconds: number): void {
  pauseLength[2] = Math.min(999_999_999, Math.round(seconds * 1e9));
  cPpoll(null, 0, pauseBytes, null);
}

/** Descriptors to wait on for input, kept in the layout that the kernel reads. */
export class PollSet {
  readonly #count: number;
  readonly #fds: Buffer;
  readonly #timeout = new Int32Array(4);
  readonly #timeoutBytes = Buffer.from(this.#timeout.buffer);

  constructor(fds: readonly number[]) {
    this.#count = fds.length;
    this.#fds = Buffer.alloc(8 * fds.length);
    fds.forEach((fd, index) => {
      this.#fds.writeInt32LE(fd, 8 * index);
      this.#fds.writeInt16LE(1, 8 * index + 4); // POLLIN
    });
  }

  /** Blocks the thread until input comes or `seconds` (below 2^31) have passed; false on timeout or signal. */
  wait(seconds: number): boolean {
    const whole = Math.floor(seconds);
    this.#timeout[0] = whole;
    this.#timeout[2] = Math.min(999_999_999, Math.round((seconds - whole) * 1e9));
    return (cPpoll(this.#fds, this.#count, this.#timeoutBytes, null) as number) > 0;
  }

  /** Whether the index-th descriptor had something (input, or an error to be read) at the last wait(). */
  ready(index: number): boolean {
    return this.#fds[8 * index + 6] !== 0;
  }
}

/** Lets the calling thread sleep to the nanosecond asked for, not to the kernel's usual 50 µs. */
export function preciseTimers(): void {
  check(cPrctl(PR_SET_TIMERSLACK, 1, 0, 0, 0) as number, 'prctl(PR_SET_TIMERSLACK)');
}

/** Asks for real-time scheduling of the calling thread; false where the user may not. */
export function realTimePriority(): boolean {
  return (cScheduler(0, SCHED_RR, [1]) as number) === 0;
}

/**
 * Asks for a short time slice of the calling thread, of ordinary priority: since Linux 6.12 such a thread, when it
 * wakes, need not wait until the slice of whoever runs is over, some 3 ms. False where the kernel knows none.
 *
 * @param niceness which the thread is to have, and may have
 * @param seconds from 0.1 ms to 100 ms
 */
export function shortTimeSlice(niceness: number, seconds: number): boolean {
  const call = SYS_SCHED_SETATTR[process.arch];
  if (call === undefined) return false;
  // struct sched_attr (sched_setattr(2)): size, policy (SCHED_OTHER), flags, nice, priority, runtime in ns, …
  const attributes = Buffer.alloc(SCHED_ATTR_BYTES);
  attributes.writeUInt32LE(SCHED_ATTR_BYTES, 0);
  attributes.writeInt32LE(niceness, 16);
  attributes.writeBigUInt64LE(BigInt(Math.round(seconds * 1e9)), 24);
  return Number(cSchedulerAttributes(call, 0, attributes, 0) as number | bigint) === 0;
}

/**
 * Gives the sockets of another process buffers of so many bytes, whatever its user may have; false where that is
 * not allowed, as in most containers.
 *
 * @param pid a process that this one has started
 * @param fds its descriptors of sockets
 */
export function enlargeSocketBuffers(pid: number, fds: readonly number[], bytes: number): boolean {
  const process = Number(cPidfdOpen(SYS_PIDFD_OPEN, pid, 0) as number | bigint);
  if (process < 0) return false;
  try {
    return fds.map((fd) => enlarge(process, fd, bytes)).every(Boolean);
  } finally {
    closeSync(process);
  }
}

function enlarge(pidfd: number, foreign: number, bytes: number): boolean {
  const socket = Number(cPidfdGetfd(SYS_PIDFD_GETFD, pidfd, foreign, 0) as number | bigint);
  if (socket < 0) return false;
  try {
    return [SO_RCVBUFFORCE, SO_SNDBUFFORCE].every(
      (option) => (cSetsockopt(socket, SOL_SOCKET, option, [bytes], 4) as number) === 0,
    );
  } finally {
    closeSync(socket);
  }
}
