/**
 * A process that furnishes the network namespace it was started in, as a node's container does. It is given the
 * options of OwnAccess as JSON, says `open` when it is, and closes when its standard input ends.
 */
import { once } from 'node:events';
import { OwnAccess, type OwnAccessOptions } from '../../../src/wan/own/index.js';

try {
  const access = await OwnAccess.open(JSON.parse(process.argv[2] ?? '') as OwnAccessOptions);
  process.stderr.write('open\n');
  await once(process.stdin.resume(), 'end');
  await access.close();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
