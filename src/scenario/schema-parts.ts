/** Small pieces that the parts of the schema are made of: see schema.ts. */
import { z } from 'zod';

/** Text of one form, with one message for everything that can be wrong with it. */
export const text = (form: RegExp, error: string) => z.string({ error }).regex(form, { error });

export const positiveInteger = (max: number) => z.number().int().min(1).max(max);
