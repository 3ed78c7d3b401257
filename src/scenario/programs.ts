/**
 * Programs in a scenario: a node with `exec` runs one instead of the trainer, so that real software can be
 * background traffic, or a training job to compare with.
 *
 * A program is told of the mesh by placeholders in its arguments and its environment. They are filled in at two
 * times: those that depend on the file alone when the scenario is loaded, so that what is written into a run
 * directory can be run again from there; those that depend on the network when it stands. Anything else in braces is
 * the program's own and stays as it is. Nothing here runs a program: nodes/program-host.ts does.
 */
import path from 'node:path';
import type { AnyScenario, NodeEntry, Scenario } from './schema.js';

/** Whether a scenario has training, besides whatever programs it has. */
export const isTraining = (scenario: AnyScenario): scenario is Scenario => 'protocol' in scenario;

/**
 * Whether a document, of which nothing is known yet, is meant as a scenario without training: it has a duration and
 * no protocol, or neither and a program at every node.
 */
export function isProgramsOnly(document: unknown): boolean {
  if (!isMap(document) || Object.hasOwn(document, 'protocol')) return false;
  if (Object.hasOwn(document, 'duration')) return true;
  const nodes = document['nodes'];
  return Array.isArray(nodes) && nodes.length > 0 && nodes.every((node) => isMap(node) && 'exec' in node);
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a program is called in the trace: as the scenario says, else by its file's name. */
export function kindOf(exec: readonly string[], kind: string | undefined): string {
  if (kind !== undefined) return kind;
  const { name } = path.parse(exec[0] ?? '');
  const plain = name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return plain.replace(/^-+/, '').slice(0, 31) || 'program';
}

/** `{scenario}`: the folder of the scenario's file. A program by a relative path is there, too. */
export function withScenarioFolder<S extends AnyScenario>(scenario: S, folder: string): S {
  const absolute = path.resolve(folder);
  const fill = (text: string) => text.replaceAll('{scenario}', absolute);
  const nodes = scenario.nodes.map((node): NodeEntry => {
    if (node.exec === undefined) return node;
    const [program = '', ...rest] = node.exec.map(fill);
    const exec = [program.includes('/') ? path.resolve(absolute, program) : program, ...rest];
    if (node.environment === undefined) return { ...node, exec };
    const environment = Object.entries(node.environment).map(([name, text]) => [name, fill(text)] as const);
    return { ...node, exec, environment: Object.fromEntries(environment) };
  });
  return { ...scenario, nodes };
}

const ADDRESS = /\{address:([^{}]*)\}/g;

/** The hosts whose addresses a text asks for. */
export const addressesNamed = (text: string): string[] =>
  [...text.matchAll(ADDRESS)].map(([, name = '']) => name);

/** What a program is told of itself and of the network. */
export interface PlaceholderValues {
  /** `{name}`: its host's. */
  readonly name: string;
  /** `{address}`: its host's own. */
  readonly address: string;
  /** `{index}`: its place among those of the same entry of the scenario. */
  readonly index: number;
  /** `{folder}`: its working folder. */
  readonly folder: string;
  /** `{shared}`: a folder that all programs of the run can write to, for keys and the like. */
  readonly shared: string;
  /** `{address:NAME}`: of another host, by name. */
  readonly addresses: ReadonlyMap<string, string>;
}

/** A text with the network's placeholders filled in. */
export function fillPlaceholders(text: string, values: PlaceholderValues): string {
  const { name, address, index, folder, shared, addresses } = values;
  const own: Readonly<Record<string, string>> = { name, address, index: `${index}`, folder, shared };
  return text
    .replace(ADDRESS, (placeholder, host: string) => addresses.get(host) ?? placeholder)
    .replace(
      /\{(name|address|index|folder|shared)\}/g,
      (placeholder, key: string) => own[key] ?? placeholder,
    );
}
