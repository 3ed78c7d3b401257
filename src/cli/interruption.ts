/** Ctrl-C, a polite kill, a closed terminal: how commands that go on for long hear that they are to end. */
import { ENDING_SIGNALS } from './rootless.js';

export interface Interruption {
  /** Aborted by the first signal, with the words "interrupted by SIGNAL" for a reason. */
  readonly signal: AbortSignal;
  /** Stops listening. */
  close(): void;
}

/** The first signal ends the command in order; a second one, at once. */
export function listenForInterruption(): Interruption {
  const controller = new AbortController();
  const listener = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort(`interrupted by ${signal}`);
  };
  for (const signal of ENDING_SIGNALS) process.on(signal, listener);
  return {
    signal: controller.signal,
    close: () => ENDING_SIGNALS.forEach((signal) => process.off(signal, listener)),
  };
}
