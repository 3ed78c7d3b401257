/** What a run with an object store needs besides its nodes: accounts, and the thread that serves it. */
import { randomBytes } from 'node:crypto';
import { LARGEST_BULK_OBJECT } from '../../../nodes/prober.js';
import { StoreHost } from '../../../nodes/store-host.js';
import { compileRound, requestOf } from '../../../orchestrator/schedules/index.js';
import { RunError } from '../../errors.js';
import { bucketOf, STORE_NAME, type Account } from '../../object-store/objects.js';
import type { Scenario } from '../../scenario/index.js';
import type { CertificateAuthority } from '../../transport/certificates.js';
import type { Placement } from '../../wan/fabric.js';
import type { RunContext } from './site.js';

/** Nodes are at most one round apart; with one more to spare, none looks for an object that is gone. */
const ROUNDS_KEPT = 3;

/** By rank; secrets are made for the run and die with it. */
export function newAccounts(worldSize: number): Account[] {
  return Array.from({ length: worldSize }, (_, rank) => ({
    // As long as Amazon's.
    accessKeyId: `RANK${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64url'),
    bucket: bucketOf(rank),
  }));
}

/** Starts the store where the fabric has placed it. It is owned by the run, which breaks off if it dies. */
export async function openStore(
  { scenario, own, breakOff }: RunContext,
  {
    placement,
    accounts,
    authority,
  }: { placement: Placement; accounts: readonly Account[]; authority: CertificateAuthority | undefined },
): Promise<void> {
  const identity = await authority?.issue(STORE_NAME);
  const limits = {
    objectBytes: Math.max(LARGEST_BULK_OBJECT, largestObject(scenario)),
    objectsPerBucket: ROUNDS_KEPT,
  };
  const store = await StoreHost.start(
    { placement, accounts, limits, ...(identity === undefined ? {} : { identity }) },
    (reason) => breakOff(new RunError(`the object store: ${reason}`)),
  );
  own(() => store.close());
}

/** Bytes; objects of all rounds and ranks are alike in size. */
function largestObject(scenario: Scenario): number {
  const [part] = compileRound({ ...requestOf(scenario), round: 0 }).parts;
  const sizes = (part?.operations ?? []).flatMap((operation) =>
    operation.kind === 'put' ? [operation.bytes] : [],
  );
  return Math.max(0, ...sizes);
}
