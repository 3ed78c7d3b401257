/** A thread that lives in a container-like namespace and furnishes it, as a node's process does. */
import { parentPort, workerData } from 'node:worker_threads';
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
  | { readonly type: 'closed' }
  | { readonly type: 'failed'; readonly message: string };

const owner = parentPort;
if (owner === null) throw new Error('this module is the entry of a worker thread');
const report = (message: ResidentReport): void => owner.postMessage(message);
const { namespaceFd, options } = workerData as ResidentSettings;
enterNamespace(namespaceFd);

try {
  const access = await OwnAccess.open(options);
  owner.once('message', () => {
    void access.close().then(
      () => report({ type: 'closed' }),
      (error: unknown) => report({ type: 'failed', message: String(error) }),
    );
  });
  const { placement, meters, realTime } = access;
  report({ type: 'open', placement, meters: meters.memory, realTime });
} catch (error) {
  report({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
}
