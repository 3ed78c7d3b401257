/** What must hold of a scenario's observation points: they see somebody, and there are packets to see. */
import { wordsAllowed } from './allowed.js';
import { pointLabel } from './points.js';
import { foundText, type Problem } from './problems.js';
import { unrollNodes, unrollPrograms, usedRegions } from './resolve.js';
import type { AnyScenario } from './schema.js';

/** Points see somebody, each has a file of its own, and there are packets to see. */
export function checkPoints(scenario: AnyScenario): Problem[] {
  const { points, kind } = scenario.capture;
  const hosts = [...unrollNodes(scenario), ...unrollPrograms(scenario)].map(({ name }) => name);
  const regions = [...new Set(usedRegions(scenario))];
  const names = points.map((point) => pointLabel(point).name);
  if (kind === 'none' && points.length > 0) {
    const allowed = 'no points without a capture, or another capture.kind';
    return [{ path: ['capture', 'points'], found: foundText(points), allowed }];
  }
  return points.flatMap((point, index): Problem[] => {
    const at = (...keys: (string | number)[]) => ['capture', 'points', index, ...keys];
    const unless = (known: readonly string[], name: string, ...keys: (string | number)[]): Problem[] =>
      known.includes(name)
        ? []
        : [{ path: at(...keys), found: foundText(name), allowed: wordsAllowed(name, known.slice(0, 20)) }];
    const first = names.indexOf(names[index]!);
    const twice: Problem[] =
      first === index
        ? []
        : [{ path: at(), found: `capture.points.${first} once more`, allowed: 'each point once' }];
    if ('exchange' in point) return [...twice, ...unless(regions, point.exchange, 'exchange')];
    if ('link' in point) return [...twice, ...unless(hosts, point.link, 'link')];
    if (!('customers' in point)) return twice;
    return [
      ...twice,
      ...point.customers.flatMap((name, customer) => unless(hosts, name, 'customers', customer)),
    ];
  });
}
