/**
 * What a persona does to a scenario before it is run: it gives values to settings that the file leaves open.
 *
 * What the file says wins, and so does `--set`; only what nobody has said is filled in, between those two and the
 * schema's own defaults. Some values depend on the model and the number of nodes, so the scenario is needed as it
 * would be without a persona. Pure: data in, data out.
 */
import { personaOf, type Persona } from '../persona/index.js';
import { parameterCount } from '../training/model.js';
import type { Path } from './allowed.js';
import { applyOverride } from './overrides.js';
import { foundText, valueAt, type Problem } from './problems.js';
import { worldSizeOf } from './resolve.js';
import type { Scenario } from './schema.js';

/** As in the schema: a slice may be from 256 B to 64 MiB. */
const SMALLEST_SLICE = 256;

/**
 * The document with the persona's settings in it. A persona that cannot go with the protocol prescribes nothing:
 * see `checkPersona`.
 *
 * @param data the file's data as set from the command line; it stays as it is
 * @param scenario the same, with the schema's defaults
 */
export function withPersona(data: unknown, scenario: Scenario): unknown {
  const persona = personaOf(scenario.persona);
  if (persona === undefined || !goesWith(persona, scenario)) return data;
  const label = `persona ${persona.name}`;
  return settingsOf(persona, scenario)
    .filter(({ path }) => valueAt(data, path) === undefined)
    .reduce((filled, setting) => applyOverride(filled, { ...setting, label }), data);
}

/** Whether the scenario's protocol is one that its persona can carry. */
export function checkPersona(scenario: Scenario): Problem[] {
  const persona = personaOf(scenario.persona);
  if (persona === undefined || goesWith(persona, scenario)) return [];
  const allowed = `${persona.protocols.join(', ')}, which is what ${persona.name} can carry`;
  return [{ path: ['protocol', 'kind'], found: foundText(scenario.protocol.kind), allowed }];
}

const goesWith = ({ protocols }: Persona, { protocol }: Scenario): boolean =>
  protocols.includes(protocol.kind);

interface Setting {
  readonly path: Path;
  /** As a file would have it. */
  readonly value: unknown;
}

/** Everything that a persona prescribes and the protocol has. */
function settingsOf(persona: Persona, scenario: Scenario): Setting[] {
  const { tls, connections, collective, compression } = persona;
  const settings: { readonly path: Path; readonly value: unknown }[] = [
    { path: ['transport', 'tls'], value: tls.value },
    { path: ['transport', 'connections'], value: connections?.value },
    { path: ['protocol', 'collective'], value: collective?.value },
    { path: ['protocol', 'compression'], value: compression?.value },
    { path: ['protocol', 'slice'], value: sliceOf(persona, scenario) },
  ];
  return settings.filter(({ value }) => value !== undefined);
}

/** Bytes of the largest slice: see `Pieces`. */
function sliceOf({ pieces }: Persona, scenario: Scenario): number | undefined {
  if (pieces === undefined) return undefined;
  const { largest, perChunk } = pieces;
  if (perChunk === undefined) return largest.value;
  const chunk = Math.ceil(parameterCount(scenario.model) / worldSizeOf(scenario));
  const piece = Float32Array.BYTES_PER_ELEMENT * Math.ceil(chunk / perChunk.value);
  return Math.max(SMALLEST_SLICE, Math.min(largest.value, piece));
}
