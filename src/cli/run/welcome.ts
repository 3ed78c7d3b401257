/** What a node is told when it takes its seat: the run, its part in it, and the identity to prove it with. */
import type { MembersOptions } from '../../../orchestrator/members.js';
import { holdingsOf, requestOf } from '../../../orchestrator/schedules/index.js';
import type { Account, StoreAccess } from '../../object-store/objects.js';
import type { Scenario } from '../../scenario/index.js';
import { CertificateAuthority } from '../../transport/certificates.js';
import { MESH_PORT } from '../../wan/fabric.js';
import type { RunContext } from './site.js';

export interface WelcomeOptions {
  /** How often the nodes are to report their meters; 0 if the fabric has them. */
  readonly meterSeconds: number;
  readonly authority: CertificateAuthority | undefined;
  /** With the object store, by rank; empty where there is none. */
  readonly accounts: readonly Account[];
  /** What the ends of tunnels are known by, by rank; absent where the fabric builds them. */
  readonly tunnelKeys?: readonly string[];
}

/** The run's certificate authority, which lives as long as whoever holds it; undefined without TLS. */
export async function authorityFor({ transport }: Scenario): Promise<CertificateAuthority | undefined> {
  return transport.tls ? CertificateAuthority.create() : undefined;
}

/** The welcome of each rank. */
export function welcomeTo(
  { scenario, topology, run }: RunContext,
  { meterSeconds, authority, accounts, tunnelKeys = [] }: WelcomeOptions,
): MembersOptions['welcome'] {
  const [scenarioJson, topologyJson] = [JSON.stringify(scenario), JSON.stringify(topology)];
  const holdings = holdingsOf(requestOf(scenario));
  return async (rank) => ({
    rank,
    run,
    scenarioJson,
    topologyJson,
    meterSeconds,
    rangesJson: JSON.stringify(holdings[rank]!.ranges),
    tunnelKeys: [...tunnelKeys],
    storeJson: accessJson(accounts[rank], authority),
    ...(await authority?.issue(topology.nodes[rank]!.name)),
  });
}

function accessJson(account: Account | undefined, authority: CertificateAuthority | undefined): string {
  if (account === undefined) return '';
  const trust = authority === undefined ? {} : { authority: authority.certificate };
  return JSON.stringify({ account, port: MESH_PORT, ...trust } satisfies StoreAccess);
}
