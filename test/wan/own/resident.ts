/** A thread that lives in a container-like namespace and furnishes it, as a node's process does. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Timeline } from '../../../src/scenario/index.js';
import type { Placement } from '../../../src/wan/fabric.js';
import { enterNamespace } from '../../../src/wan/netns/namespace.js';
import { OwnAccess, type OwnAccessOptions } from '../../../src/wan/own/index.js';

export interface ResidentSettings {
  readonly namespaceFd: number;
  readonly options: OwnAccessOptions;
}

export type ResidentReport =
  | {
      readonly type: 'open';
      readonly placement: Placement;
      readonly meters: SharedArrayBuffer;
      readonly realTime: boolean;
    }
  | { readonly type: 'playing' }
  | { readonly type: 'applied'; readonly index: number; readonly time: number }
  | { readonly type: 'closed' }
  | { readonly type: 'failed'; readonly message: string };

export type ResidentCommand =
  | { readonly type: 'play'; readonly timeline: Timeline; readonly origin: number }
  | { readonly type: 'close' };

const owner = parentPort;
if (owner === null) throw new Error('this module is the entry of a worker thread');
const report = (message: ResidentReport): void => owner.postMessage(message);
const { namespaceFd, options } = workerData as ResidentSettings;
enterNamespace(namespaceFd);

try {
  const access = await OwnAccess.open(options);
  owner.on('message', (command: ResidentCommand) => {
    const [done, work] =
      command.type === 'close'
        ? (['closed', access.close()] as const)
        : ([
            'playing',
            access.play(command.timeline, command.origin, (applied) =>
              report({ type: 'applied', ...applied }),
            ),
          ] as const);
    work.then(
      () => report({ type: done }),
      (error: unknown) => report({ type: 'failed', message: String(error) }),
    );
  });
  const { placement, meters, realTime } = access;
  report({ type: 'open', placement, meters: meters.memory, realTime });
} catch (error) {
  report({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
}
