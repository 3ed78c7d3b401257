/**
 * The observer, as the orchestrator sees it: somebody at the bridge who captures when told to.
 *
 * Its packets never come here: it writes them into the run directory, which it shares with the orchestrator.
 * Its own side is src/cli/capture.ts.
 */
import path from 'node:path';
import type { CaptureStopped__Output } from '../proto/types/meshbeat/control/v1/CaptureStopped.js';
import type { NodeMessage__Output } from '../proto/types/meshbeat/control/v1/NodeMessage.js';
import { Deferred } from '../src/deferred.js';
import { RunError } from '../src/errors.js';
import type { Topology } from '../src/scenario/index.js';
import type { CaptureRequest, CaptureResult, RunningCapture } from '../src/wan/fabric.js';
import type { Guest } from './guest.js';

export class Observer {
  readonly #guest: Guest;
  readonly #started = new Deferred<void>();
  readonly #stopped = new Deferred<CaptureStopped__Output>();
  readonly #failure = new Deferred<never>();
  #packets = 0;

  constructor(guest: Guest) {
    this.#guest = guest;
    this.#failure.promise.catch(() => undefined);
    guest.onMessage((message) => this.#hear(message));
    void guest.gone.then(() => this.#fail('left the run (its control stream ended)'));
  }

  /** Rejects when it fails or leaves; never resolves. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  /** Has it write the packets between the nodes' addresses; resolves once it is capturing. */
  async capture(request: CaptureRequest, topology: Topology): Promise<RunningCapture> {
    if (request.kind === 'shaper')
      throw new RunError('capture.kind: found shaper; allowed with nodes that join: auto, tcpdump, none');
    const { file, snaplen, comment } = request;
    const nodes = topology.nodes.map(({ address, name }) => ({ address, name }));
    const run = path.basename(path.dirname(file));
    this.#guest.tell({ startCapture: { run, file: path.basename(file), snaplen, comment, nodes } });
    await Promise.race([this.#started.promise, this.failure]);
    this.failure.catch((error: Error) => request.onFailure(error));
    let stopping: Promise<CaptureResult> | undefined;
    return {
      kind: 'tcpdump',
      packets: () => this.#packets,
      stop: () => (stopping ??= this.#stop()),
    };
  }

  /** Lets it go. */
  close(): void {
    this.#guest.end();
  }

  async #stop(): Promise<CaptureResult> {
    this.#guest.tell({ stopCapture: {} });
    const { packets, missed } = await Promise.race([this.#stopped.promise, this.failure]);
    return { packets, missed: missed ?? null };
  }

  #hear(message: NodeMessage__Output): void {
    if (message.message === 'captureStarted') this.#started.resolve();
    else if (message.message === 'captureStopped') {
      this.#packets = message.captureStopped!.packets;
      this.#stopped.resolve(message.captureStopped!);
    } else if (message.message === 'failed') this.#fail(message.failed!.reason);
  }

  #fail(reason: string): void {
    this.#failure.reject(new RunError(`the observer (${this.#guest.label}): ${reason}`));
  }
}
