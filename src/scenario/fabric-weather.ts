/** What of a scenario's weather a fabric can't give; a part of fabric-checks.ts. */
import type { FabricName } from './fabric-checks.js';
import { foundText, type Problem } from './problems.js';
import type { AnyScenario } from './schema.js';
import { formatProbability } from './units.js';

export function checkFabricWeather(scenario: AnyScenario, fabric: FabricName): Problem[] {
  switch (fabric) {
    case 'netns':
      return unbuilt(scenario);
    case 'containers':
      return [
        ...unbuilt(scenario),
        ...sharedQueues(scenario, 'none with containers, each of which shapes for itself'),
      ];
    case 'threads':
      return [
        ...packetWeather(scenario, ['duplicate', 'reorder', 'corrupt'], ALLOWED_PACKETS),
        ...tracedLinks(scenario),
        ...sharedQueues(scenario, 'none on threads, where no packets are shaped'),
        ...congestionByNode(scenario),
      ];
  }
}

/** What the schema has and the shaper of packets does not yet. */
const unbuilt = (scenario: AnyScenario): Problem[] => [
  ...packetWeather(scenario, ['duplicate', 'corrupt'], '0 %, until the shaper can do more'),
  ...sharedQueues(scenario, 'none, until the shaper can do more'),
  ...tracedLinks(scenario),
  ...congestionByNode(scenario),
];

const tracedLinks = ({ nodes }: AnyScenario): Problem[] =>
  nodes.flatMap(({ uplink, downlink }, index) =>
    Object.entries({ uplink, downlink }).flatMap(([name, link]) =>
      typeof link === 'object'
        ? [
            {
              path: ['nodes', index, name],
              found: 'a trace',
              allowed: 'a rate, until the shaper can do more',
            },
          ]
        : [],
    ),
  );

const ALLOWED_PACKETS = '0 % on threads, where a byte stream is shaped and there are no packets';

/** What can only happen to packets. */
function packetWeather(
  { wan, regions }: AnyScenario,
  names: readonly ('duplicate' | 'reorder' | 'corrupt')[],
  allowed: string,
): Problem[] {
  const places = [
    { path: ['wan'], weather: wan },
    ...Object.entries(regions.weather).map(([pair, weather]) => ({
      path: ['regions', 'weather', pair],
      weather,
    })),
  ];
  return places.flatMap(({ path, weather }) =>
    names.flatMap((name) => {
      const probability = weather[name] ?? 0;
      if (probability === 0) return [];
      return [{ path: [...path, name], found: formatProbability(probability), allowed }];
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
