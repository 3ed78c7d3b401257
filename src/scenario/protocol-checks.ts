/**
 * What a protocol asks of the rest of a scenario: settings that each are allowed, but not together. One function
 * for each protocol that asks anything, and one for what all have; checks.ts asks them all.
 */
import { STORE_NAME } from '../object-store/objects.js';
import { largestPull } from '../training/noloco.js';
import { foundText, type Problem } from './problems.js';
import { delayBetween, unrollNodes, unrollPrograms, worldSizeOf } from './resolve.js';
import type { Protocol, Scenario } from './schema.js';

type ScenarioOf<Kind extends Protocol['kind']> = Scenario & {
  readonly protocol: Extract<Protocol, { kind: Kind }>;
};

const has = <Kind extends Protocol['kind']>(scenario: Scenario, kind: Kind): scenario is ScenarioOf<Kind> =>
  scenario.protocol.kind === kind;

/** Everything about a scenario that its protocol can't work with. */
export function checkProtocol(scenario: Scenario): Problem[] {
  return [...checkCompression(scenario), ...checkKind(scenario)];
}

function checkKind(scenario: Scenario): Problem[] {
  if (has(scenario, 'streaming')) return checkStreaming(scenario);
  if (has(scenario, 'object-store')) return checkObjectStore(scenario);
  if (has(scenario, 'noloco')) return checkNoloco(scenario);
  if (has(scenario, 'pipeline')) return checkPipeline(scenario);
  return [];
}

/** No more can be kept of a chunk than it has. */
function checkCompression({ protocol: { compression } }: Scenario): Problem[] {
  if (!('keep' in compression) || compression.keep <= compression.chunk) return [];
  const allowed = `at most ${compression.chunk}, the elements of a chunk (protocol.compression.chunk)`;
  return [{ path: ['protocol', 'compression', 'keep'], found: `${compression.keep}`, allowed }];
}

/** Fragments are of whole layers, have a step of their own each, and are under way one at a time. */
function checkStreaming({ protocol, model }: ScenarioOf<'streaming'>): Problem[] {
  const { innerSteps, fragments, delay } = protocol;
  const path = (setting: 'fragments' | 'delay') => ['protocol', setting];
  if (fragments > model.layers) {
    const allowed = `at most ${model.layers}, the layers of the model`;
    return [{ path: path('fragments'), found: `${fragments}`, allowed }];
  }
  if (fragments > innerSteps) {
    const allowed = `at most ${innerSteps}, the inner steps of a round`;
    return [{ path: path('fragments'), found: `${fragments}`, allowed }];
  }
  const most = Math.floor(innerSteps / fragments);
  if (delay <= most) return [];
  const allowed = `at most ${most}, the inner steps from one fragment to the next (innerSteps / fragments)`;
  return [{ path: path('delay'), found: `${delay}`, allowed }];
}

/** A pull that overshoots more than momentum lets die away drives the replicas apart. */
function checkNoloco(scenario: ScenarioOf<'noloco'>): Problem[] {
  const { pull, momentum } = scenario.protocol.outer;
  const worldSize = worldSizeOf(scenario);
  const bound = largestPull(momentum, worldSize);
  if (pull < bound) return [];
  const shown = Math.floor(100 * bound) / 100;
  const allowed = `below ${shown}, since with momentum ${momentum} replicas would drift apart for ever`;
  return [{ path: ['protocol', 'outer', 'pull'], found: `${pull}`, allowed }];
}

/** Stages are of whole layers, microbatches of whole sequences, and nodes make whole pipelines. */
function checkPipeline(scenario: ScenarioOf<'pipeline'>): Problem[] {
  const { protocol, model, training } = scenario;
  const { schedule, stages, chunks, microbatches, innerSteps, outer, activations } = protocol;
  const worldSize = worldSizeOf(scenario);
  const interleaved = schedule === 'interleaved';
  const problem = (setting: string | string[], found: string | number, allowed: string): Problem => ({
    path: ['protocol', setting].flat(),
    found: `${found}`,
    allowed,
  });
  const multiple = (whole: number, what: string) => `a divisor of ${whole}, ${what}`;
  const problems: Problem[] = [];

  if (worldSize % stages !== 0)
    problems.push(problem('stages', stages, multiple(worldSize, 'the nodes in all')));
  if (interleaved && chunks === 1)
    problems.push(problem('chunks', 1, 'at least 2 with schedule interleaved'));
  else if (!interleaved && chunks > 1)
    problems.push(problem('chunks', chunks, `1 with schedule ${schedule}; more with interleaved only`));
  else if (stages * chunks > model.layers) {
    const found = chunks > 1 ? `${stages} of ${chunks} chunks each` : stages;
    const allowed = `at most ${model.layers} in all, since each has at least one of the model's layers`;
    problems.push(problem('stages', found, allowed));
  }
  if (training.batch % microbatches !== 0)
    problems.push(problem('microbatches', microbatches, multiple(training.batch, 'training.batch')));
  if (interleaved && microbatches % stages !== 0) {
    const allowed = `with schedule interleaved, a multiple of ${stages}, the stages in a row`;
    problems.push(problem('microbatches', microbatches, allowed));
  }
  if (innerSteps > 1 && outer === undefined)
    problems.push(problem('innerSteps', innerSteps, '1, or more with protocol.outer, which makes it DiLoCo'));
  if (activations.kind === 'subspace' && activations.rank > model.width) {
    const allowed = `at most ${model.width}, the width of the model`;
    problems.push(problem(['activations', 'rank'], activations.rank, allowed));
  }
  return problems;
}

/** A window has time for its steps, there are so many others to get objects of, and the store lies somewhere. */
function checkObjectStore(scenario: ScenarioOf<'object-store'>): Problem[] {
  const { innerSteps, windowSteps, gather, store } = scenario.protocol;
  const path = (...setting: string[]) => ['protocol', ...setting];
  const problems: Problem[] = [];
  if (windowSteps < innerSteps) {
    const allowed = `at least ${innerSteps}, the inner steps that a window has to hold`;
    problems.push({ path: path('windowSteps'), found: `${windowSteps}`, allowed });
  }
  const nodes = unrollNodes(scenario);
  if (gather > nodes.length - 1) {
    const allowed = `at most ${nodes.length - 1}, the other nodes`;
    problems.push({ path: path('gather'), found: `${gather}`, allowed });
  }
  const all = [...nodes, ...unrollPrograms(scenario)];
  const named = all.find(({ name }) => name === STORE_NAME);
  if (named !== undefined) {
    const allowed = 'another name, as the object store has this one';
    problems.push({ path: ['nodes', named.entry, 'name'], found: foundText(STORE_NAME), allowed });
  }
  const far = all.find(({ region }) => delayBetween(scenario, region, store.region) === undefined);
  if (far !== undefined) {
    const found = `${foundText(store.region)}, without a delay to ${foundText(far.region)}`;
    const allowed = `a region with a delay to every node's; add regions.delays "${far.region}--${store.region}: 20 ms"`;
    problems.push({ path: path('store', 'region'), found, allowed });
  }
  return problems;
}
