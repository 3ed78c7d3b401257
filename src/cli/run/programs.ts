/** The programs that run on hosts beside training, or instead of it: when they start, crash with their host, and end. */
import type { ProgramHost } from '../../../nodes/program-host.js';
import type { RunEvent } from '../../run/events.js';
import type { TraceProgram } from '../../run/files.js';
import { hostsOf, type Topology } from '../../scenario/index.js';
import type { Fabric } from '../../wan/fabric.js';
import type { Lifetime } from './lifetime.js';

export interface ProgramsOptions {
  readonly topology: Topology;
  readonly lifetime: Lifetime;
  /** Folder for what they print. */
  readonly logs: string;
  /** Says what is going on. */
  readonly stage: (text: string) => void;
}

export class Programs {
  readonly #options: ProgramsOptions;
  #host: ProgramHost | undefined;
  /** By host: ends and starts of its program, one after the other. */
  readonly #outages = new Map<number, Promise<void>>();

  constructor(options: ProgramsOptions) {
    this.#options = options;
  }

  /** Starts them, if there are any. @param origin zero of their times in the trace, seconds since 1970. */
  async start({ placements }: Fabric, origin: number): Promise<void> {
    const { topology, lifetime, logs, stage } = this.#options;
    if (hostsOf(topology).every(({ program }) => program === undefined)) return;
    stage('starting the programs');
    this.#host = await lifetime.open(async () => {
      // Only here, since it brings system calls that not every platform has.
      const { ProgramHost } = await import('../../../nodes/program-host.js');
      const onFailure = (error: unknown): void => lifetime.breakOff(error);
      const host = ProgramHost.start({ topology, placements, logs, origin, onFailure });
      lifetime.own(() => host.close());
      return host;
    });
  }

  /** A host that crashes takes its program with it; back again, it starts it anew. */
  followOutage({ kind, hosts }: Extract<RunEvent, { type: 'network' }>): void {
    const programs = this.#host;
    if (programs === undefined || (kind !== 'crash' && kind !== 'return')) return;
    for (const host of hosts) {
      const work = (this.#outages.get(host) ?? Promise.resolve()).then(() =>
        kind === 'crash' ? programs.kill(host) : programs.start(host),
      );
      work.catch((error: unknown) => this.#options.lifetime.breakOff(error));
      this.#outages.set(host, work);
    }
  }

  /** Asks them to end; what they leave in the trace. */
  async stop(): Promise<readonly TraceProgram[]> {
    await this.#options.lifetime.wait(Promise.all(this.#outages.values()));
    await this.#host?.stop();
    return this.#host?.ended ?? [];
  }
}
