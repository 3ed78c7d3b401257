/** Waiting for something that others bring about. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Asks twice a second until it is so; what can't be answered yet is asked again. Rejects after the limit. */
export async function until(what: string, isSo: () => Promise<boolean>, limitMs = 120_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  let complaint = '';
  for (;;) {
    try {
      if (await isSo()) return;
    } catch (error) {
      complaint = `: ${String(error)}`;
    }
    if (performance.now() > deadline)
      throw new Error(`waited ${limitMs} ms in vain until ${what}${complaint}`);
    await sleep(500);
  }
}
