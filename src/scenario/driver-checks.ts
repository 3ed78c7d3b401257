/**
 * What `wan.driver: netem` cannot do, refused with the line that asks for it.
 *
 * The kernel's netem has fewer words than our shaper, and no thread of ours is in the way of packets, which could
 * change its mind in the middle of a run. What it has, src/wan/netem/words.ts says.
 */
import { foundText, type Problem } from './problems.js';
import type { AnyScenario } from './schema.js';
import { formatProbability } from './units.js';

/** Everything that a scenario asks of netem and netem can't give, on a fabric of that name. */
export function checkDriver(scenario: AnyScenario, fabric: 'netns' | 'threads' | 'containers'): Problem[] {
  const { wan, regions, nodes, tunnel, capture, events } = scenario;
  if (wan.driver === 'tun') return [];
  if (fabric !== 'netns')
    return [{ path: ['wan', 'driver'], found: foundText(wan.driver), allowed: ELSEWHERE[fabric] }];
  const places = [
    { path: ['wan'], weather: wan },
    ...Object.entries(regions.weather).map(([pair, weather]) => ({
      path: ['regions', 'weather', pair],
      weather,
    })),
  ];
  return [
    ...places.flatMap(({ path, weather: { jitter, duplicate = 0 } }) => [
      ...(jitter?.kind === 'trace'
        ? [{ path: [...path, 'jitter'], found: 'a trace', allowed: `uniform, normal or pareto ${WITH}` }]
        : []),
      ...(duplicate === 0
        ? []
        : [
            {
              path: [...path, 'duplicate'],
              found: formatProbability(duplicate),
              allowed: `0 % ${WITH}, which duplicates only where it has a device to itself`,
            },
          ]),
    ]),
    ...nodes.flatMap(({ uplink, downlink }, index) =>
      Object.entries({ uplink, downlink }).flatMap(([name, link]) =>
        typeof link === 'object'
          ? [{ path: ['nodes', index, name], found: 'a trace', allowed: `a rate ${WITH}` }]
          : [],
      ),
    ),
    ...(regions.bottlenecks.length === 0
      ? []
      : [
          {
            path: ['regions', 'bottlenecks'],
            found: foundText(regions.bottlenecks),
            allowed: `none ${WITH}`,
          },
        ]),
    ...(tunnel === 'none'
      ? []
      : [
          {
            path: ['tunnel'],
            found: foundText(typeof tunnel === 'string' ? tunnel : tunnel.kind),
            allowed: `none ${WITH}`,
          },
        ]),
    ...(events.length === 0
      ? []
      : [{ path: ['events'], found: `${events.length} of them`, allowed: `none ${WITH}` }]),
    ...(capture.kind === 'shaper'
      ? [
          {
            path: ['capture', 'kind'],
            found: foundText(capture.kind),
            allowed: `auto, tcpdump or none ${WITH}`,
          },
        ]
      : []),
  ];
}

const WITH = 'with wan.driver netem';

const ELSEWHERE = {
  threads: 'tun on the fabric threads, where no packets are shaped; netem is for netns',
  containers: 'tun with containers, each of which shapes for itself; netem is for netns',
} as const;
