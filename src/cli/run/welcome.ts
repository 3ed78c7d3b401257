/** What a node is told when it takes its seat: the run, its part in it, and the identity to prove it with. */
import type { MembersOptions } from '../../../orchestrator/members.js';
import { CertificateAuthority } from '../../transport/certificates.js';
import type { RunContext } from './site.js';

/**
 * The welcome of each rank. With TLS the run's authority is made here, and lives on in this function alone.
 *
 * @param meterSeconds how often the nodes are to report their meters; 0 if the fabric has them.
 */
export async function welcomeTo(
  { scenario, topology, run }: RunContext,
  { meterSeconds }: { readonly meterSeconds: number },
): Promise<MembersOptions['welcome']> {
  const authority = scenario.transport.tls ? await CertificateAuthority.create() : undefined;
  const [scenarioJson, topologyJson] = [JSON.stringify(scenario), JSON.stringify(topology)];
  return async (rank) => ({
    rank,
    run,
    scenarioJson,
    topologyJson,
    meterSeconds,
    ...(await authority?.issue(topology.nodes[rank]!.name)),
  });
}
