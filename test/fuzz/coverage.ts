/**
 * Which code an input reached, by V8's own block coverage: the guidance that makes a fuzzer find its way into a format.
 *
 * V8 counts for nothing extra that we'd have to build, but asking costs milliseconds. So one asks after a batch of inputs,
 * and looks at each alone only if the batch reached something new.
 */
import { Session } from 'node:inspector';
import type { Profiler } from 'node:inspector';

export class Coverage {
  readonly #session = new Session();
  readonly #isOfInterest: (url: string) => boolean;

  /** @param isOfInterest tells by a script's URL whether its blocks count. */
  constructor(isOfInterest: (url: string) => boolean) {
    this.#isOfInterest = isOfInterest;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** The blocks reached since the last call, as script and place. */
  take(): Set<string> {
    const reached = new Set<string>();
    this.#session.post('Profiler.takePreciseCoverage', (error, { result }) => {
      if (error !== null) throw error;
      for (const { url, functions } of result.filter(({ url }) => this.#isOfInterest(url))) {
        for (const { startOffset, endOffset } of functions.flatMap(blocksReached)) {
          reached.add(`${url}:${startOffset}-${endOffset}`);
        }
      }
    });
    return reached;
  }

  close(): void {
    this.#session.disconnect();
  }
}

/** Blocks that were reached and so tell something: a function's own range does, and each range within. */
function blocksReached({ ranges }: Profiler.FunctionCoverage): Profiler.CoverageRange[] {
  return ranges.filter(({ count }) => count > 0);
}
