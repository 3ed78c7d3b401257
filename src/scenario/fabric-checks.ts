/**
 * What a fabric cannot do is refused before a run, with the line that asks for it, and never silently left out.
 *
 * Which fabric it will be is known only where a scenario is about to be run; to draw or to simulate one, all goes.
 * Here a fabric is a name: what it is, src/wan tells.
 */
import { checkDriver } from './driver-checks.js';
import { checkFabricEvents } from './events/checks.js';
import { foundText, type Problem } from './problems.js';
import type { AnyScenario } from './schema.js';
import { checkFabricWeather } from './fabric-weather.js';

export type FabricName = 'netns' | 'threads' | 'containers';

/** Everything that a scenario asks for and the fabric can't give. */
export function checkFabric(scenario: AnyScenario, fabric: FabricName): Problem[] {
  return [checkTunnel, checkExec, checkFabricWeather, checkFabricEvents, checkDriver].flatMap((check) =>
    check(scenario, fabric),
  );
}

function checkTunnel({ tunnel, wan }: AnyScenario, fabric: FabricName): Problem[] {
  if (tunnel === 'none') return [];
  if (fabric === 'threads') {
    const found = typeof tunnel === 'string' ? tunnel : tunnel.kind;
    const allowed = 'none on the fabric threads, which carries no packets; netns and containers have tunnels';
    return [{ path: ['tunnel'], found: foundText(found), allowed }];
  }
  if (wan.driver === 'netem') {
    const allowed = 'tun with a tunnel; netem has not been tried with one';
    return [{ path: ['wan', 'driver'], found: foundText(wan.driver), allowed }];
  }
  if (fabric !== 'containers' || typeof tunnel === 'string') return [];
  const allowed = 'no such hosts with nodes that join, since nobody joins as one; netns has them';
  return [
    ...(tunnel.hub === undefined ? [] : [{ path: ['tunnel', 'hub'], found: 'a VPN server', allowed }]),
    ...(tunnel.relays.length === 0
      ? []
      : [{ path: ['tunnel', 'relays'], found: foundText(tunnel.relays), allowed }]),
  ];
}

function checkExec({ nodes }: AnyScenario, fabric: FabricName): Problem[] {
  if (fabric === 'netns') return [];
  const allowed =
    fabric === 'threads'
      ? 'nodes that train only, on the fabric threads, whose hosts have no network of their own; netns runs programs'
      : 'nodes that train only, with nodes that join, since nobody joins as a program; netns runs programs';
  return nodes.flatMap(({ exec }, entry) =>
    exec === undefined ? [] : [{ path: ['nodes', entry, 'exec'], found: 'a program', allowed }],
  );
}
