/** The face of personas: each by its name. A new one is one new file, and one line in the table below. */
import type { Persona as Choice } from '../scenario/schema.js';
import { opendiloco } from './opendiloco.js';
import { pccl } from './pccl.js';
import type { Persona, PersonaName } from './persona.js';
import { prime } from './prime.js';
import { psyche } from './psyche.js';
import { templar } from './templar.js';
import { torchft } from './torchft.js';

export const personas: { readonly [Name in PersonaName]: Persona } = {
  opendiloco,
  prime,
  pccl,
  torchft,
  psyche,
  templar,
};

/** What a scenario's key `persona` stands for; undefined for none. */
export const personaOf = (choice: Choice): Persona | undefined =>
  choice === 'none' ? undefined : personas[choice];

export { carriedHabits, leftOutTexts, type Carried, type CarriedHabit } from './carried.js';
export * from './persona.js';
