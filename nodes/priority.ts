/**
 * The priority of the thread that carries a node's traffic.
 *
 * A node's network stack must answer at once, as a real node's would, whatever else this machine computes.
 */
import os from 'node:os';

/** For users who may raise priorities. */
const NETWORK_NICENESS = -10;

/** Raises the calling thread's priority (on Linux it is a thread's own); where the user may not, it stays. */
export function raisePriority(): void {
  if (process.platform !== 'linux') return;
  try {
    os.setPriority(NETWORK_NICENESS);
  } catch (error) {
    // The error's code is ERR_SYSTEM_ERROR, whatever the system said; its errno is what the system said.
    if ((error as NodeJS.ErrnoException).errno !== -os.constants.errno.EACCES) throw error;
  }
}
