/**
 * Entry point of the thread that owns the device pool and answers the nodes.
 *
 * A thread of its own, because the main thread writes the capture: when the disk makes it wait, no node's step
 * or update may wait with it.
 */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { InputError, messageOf } from '../src/errors.js';
import { createDevice, type DeviceOptions } from '../src/training/index.js';
import { serveDevice } from './device-port.js';

export type DeviceHostCommand =
  { readonly type: 'serve'; readonly port: MessagePort } | { readonly type: 'close' };

export type DeviceHostReport =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly message: string; readonly wrongInput: boolean };

const report = (message: DeviceHostReport): void => parentPort!.postMessage(message);

try {
  const device = await createDevice(workerData as DeviceOptions);
  parentPort!.on('message', (command: DeviceHostCommand) => {
    if (command.type === 'serve') serveDevice(device, command.port);
    else void device.close().finally(() => parentPort!.close());
  });
  report({ type: 'ready' });
} catch (error) {
  report({ type: 'failed', message: messageOf(error), wrongInput: error instanceof InputError });
}
