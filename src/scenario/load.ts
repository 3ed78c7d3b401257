/**
 * From a file and a command line to a scenario, or to one error that lists everything wrong.
 *
 * The steps are elsewhere: source.ts reads and parses, overrides.ts applies `--set`, schema.ts validates
 * each field, persona.ts fills in what a persona prescribes, checks.ts looks at what lies between the fields,
 * traces.ts reads the files that it names, node-count.ts applies `--nodes`. Here they meet, and each problem gets its place: the line of the file, or
 * the option that caused it.
 */
import path from 'node:path';
import { InputError } from '../errors.js';
import { pathText, type Path } from './allowed.js';
import { checkScenario } from './checks.js';
import { checkFabric, type FabricName } from './fabric-checks.js';
import { applyOverride, parseOverride, seedOverride, type Override } from './overrides.js';
import { withNodeCount } from './node-count.js';
import { withPersona } from './persona.js';
import { problemsOfIssues, type Problem } from './problems.js';
import { isProgramsOnly, isTraining, withScenarioFolder } from './programs.js';
import { withNodeDefaults } from './resolve.js';
import { programsSchema, scenarioSchema, type AnyScenario, type Scenario } from './schema.js';
import { parseSource, readText, type Source } from './source.js';
import { withTraces } from './traces.js';

export interface LoadOptions {
  /** Arguments of `--set`, each `path=value`; a later one wins. */
  readonly sets?: readonly string[];
  /** The argument of `--seed`; wins over all. */
  readonly seed?: number | undefined;
  /** The argument of `--nodes`: scales the scenario, as set, to so many. */
  readonly nodes?: number | undefined;
  /** Where it is to be run: what that fabric can't do is a problem too. */
  readonly fabric?: FabricName;
}

const MAX_PROBLEMS = 50;

/**
 * Loads a scenario with training from a YAML file, with defaults filled in and all quantities in base units.
 *
 * @throws InputError with one line for each problem: where, what was found, what is allowed
 */
export const loadScenario = (file: string, options: LoadOptions = {}): Scenario =>
  parseScenario(readText(file), file, options);

/** As `loadScenario`, and takes a scenario of programs only, too. */
export const loadAnyScenario = (file: string, options: LoadOptions = {}): AnyScenario =>
  parseAnyScenario(readText(file), file, options);

/** As `loadScenario`, from text; `file` names it in messages, and its folder is where the traces that it names are. */
export function parseScenario(text: string, file: string, options: LoadOptions = {}): Scenario {
  const scenario = parseAnyScenario(text, file, options);
  if (isTraining(scenario)) return scenario;
  throw new InputError(
    `${file}: found a scenario of programs only, without a protocol; allowed here: one with training. ` +
      '"meshbeat run" runs both',
  );
}

/** As `loadAnyScenario`, from text; paths of programs are relative to the folder of `file`. */
export function parseAnyScenario(text: string, file: string, options: LoadOptions = {}): AnyScenario {
  const source = parseSource(text, file);
  const overrides = (options.sets ?? []).map(parseOverride);
  if (options.seed !== undefined) overrides.push(seedOverride(options.seed));

  const folder = path.dirname(file);
  const judge = (data: unknown) => validate(data, folder, options.fabric);
  const { scenario, problems } = judge(overrides.reduce(applyOverride, source.data));
  if (scenario !== undefined) return scaled(withScenarioFolder(scenario, folder), options.nodes);
  const own = overrides.length === 0 ? problems : judge(source.data).problems;
  const ownTexts = new Set(own.map(textOf));
  const lines = problems
    .slice(0, MAX_PROBLEMS)
    .map((problem) => `${placeOf(problem, source, overrides, ownTexts)}: ${textOf(problem)}`);
  if (problems.length > MAX_PROBLEMS)
    lines.push(`${file}: and ${problems.length - MAX_PROBLEMS} problems more`);
  throw new InputError(lines.join('\n'));
}

function scaled(scenario: AnyScenario, nodes: number | undefined): AnyScenario {
  if (nodes === undefined) return scenario;
  if (isTraining(scenario)) return withNodeCount(scenario, nodes);
  throw new InputError(`--nodes: found ${nodes}; allowed: nothing, as this scenario has programs only`);
}

/** "FILE:LINE: PATH" of a place in a scenario's file, for what is found wrong with it only later. */
export function placeInFile(file: string, path: Path): string {
  return `${file}:${parseSource(readText(file), file).lineOf(path)}: ${pathText(path)}`;
}

interface Verdict {
  /** Undefined exactly if there are problems. */
  readonly scenario?: AnyScenario;
  readonly problems: readonly Problem[];
}

function validate(data: unknown, folder: string, fabric: FabricName | undefined): Verdict {
  const parsed = isProgramsOnly(data) ? programsSchema.safeParse(data) : scenarioSchema.safeParse(data);
  if (!parsed.success) return { problems: problemsOfIssues(parsed.error.issues, data) };
  const known: AnyScenario = parsed.data;
  const filled = isTraining(known) ? scenarioSchema.parse(withPersona(data, known)) : known;
  const { scenario, problems: missing } = withTraces(withNodeDefaults(filled), folder);
  const problems =
    missing.length > 0
      ? missing
      : [...checkScenario(scenario), ...(fabric === undefined ? [] : checkFabric(scenario, fabric))];
  return problems.length > 0 ? { problems } : { scenario, problems };
}

const textOf = ({ path: at, found, allowed }: Problem): string =>
  `${at.length > 0 ? pathText(at) : 'the whole document'}: found ${found}; allowed: ${allowed}`;

/** The `--set` that put the value there; else the line, with every `--set` if the file alone lacks the problem. */
function placeOf(
  { path: at, found, allowed }: Problem,
  source: Source,
  overrides: readonly Override[],
  ownTexts: ReadonlySet<string>,
): string {
  const cause = overrides.findLast((override) => override.path.every((step, index) => step === at[index]));
  if (cause !== undefined) return cause.label;
  const line = `${source.file}:${source.lineOf(at)}`;
  if (ownTexts.has(textOf({ path: at, found, allowed }))) return line;
  return `${line} with ${overrides.map((override) => override.label).join(' ')}`;
}
