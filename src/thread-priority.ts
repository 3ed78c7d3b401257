/**
 * The priority of threads that must answer at once, whatever else this machine computes: a node's network
 * stack, the shaper where it can't have real time.
 */
import os from 'node:os';

/**
 * Sets the calling thread's niceness (on Linux it is a thread's own): -20 is the most urgent, 0 the usual.
 * Where the user may not raise it, it stays.
 */
export function setNiceness(niceness: number): void {
  if (process.platform !== 'linux') return;
  try {
    os.setPriority(niceness);
  } catch (error) {
    // The error's code is ERR_SYSTEM_ERROR, whatever the system said; its errno is what the system said.
    if ((error as NodeJS.ErrnoException).errno !== -os.constants.errno.EACCES) throw error;
  }
}
