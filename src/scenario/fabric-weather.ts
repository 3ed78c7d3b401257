/** What of a scenario's weather a fabric can't give; a part of fabric-checks.ts. */
import type { FabricName } from './fabric-checks.js';
import { foundText, type Problem } from './problems.js';
import type { AnyScenario } from './schema.js';
import { formatProbability } from './units.js';

export function checkFabricWeather(scenario: AnyScenario, fabric: FabricName): Problem[] {
  switch (fabric) {
    case 'netns':
      return [];
    case 'containers':
      return [...sharedQueues(scenario, 'none with containers, each of which shapes for itself')];
    case 'threads':
      return [
        ...packetWeather(scenario),
        ...sharedQueues(scenario, 'none on threads, where no packets are shaped'),
        ...congestionByNode(scenario),
      ];
  }
}

const PACKET_WEATHER = ['duplicate', 'reorder', 'corrupt'] as const;
const ALLOWED_PACKETS = '0 % on threads, where a byte stream is shaped and there are no packets';

/** What can only happen to packets. */
function packetWeather({ wan, regions }: AnyScenario): Problem[] {
  const places = [
    { path: ['wan'], weather: wan },
    ...Object.entries(regions.weather).map(([pair, weather]) => ({
      path: ['regions', 'weather', pair],
      weather,
    })),
  ];
  return places.flatMap(({ path, weather }) =>
    PACKET_WEATHER.flatMap((name) => {
      const probability = weather[name] ?? 0;
      if (probability === 0) return [];
      return [{ path: [...path, name], found: formatProbability(probability), allowed: ALLOWED_PACKETS }];
    }),
  );
}

const sharedQueues = ({ regions }: AnyScenario, allowed: string): Problem[] =>
  regions.bottlenecks.length === 0
    ? []
    : [{ path: ['regions', 'bottlenecks'], found: foundText(regions.bottlenecks), allowed }];

const congestionByNode = ({ nodes }: AnyScenario): Problem[] =>
  nodes.flatMap(({ congestion }, index) =>
    congestion === undefined
      ? []
      : [
          {
            path: ['nodes', index, 'congestion'],
            found: foundText(congestion),
            allowed: 'none on threads, whose nodes speak no TCP over the WAN',
          },
        ],
  );
