/**
 * The quantities that the files of a run directory are made of, each with its unit, and the step from a
 * schema to the type of what it describes.
 *
 * The schemas describe what is written; nothing here is parsed on the way out. Objects may have keys that no
 * schema knows: adding a field is free, and a reader of today's files should still read tomorrow's.
 */
import { z } from 'zod';

type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;

/** The type of a document: written once, so read-only throughout. */
export type Document<Schema extends z.ZodType> = DeepReadonly<z.output<Schema>>;

/** Every description says what is counted and, where the name does not, in which unit. */
export const count = (description: string) => z.int().min(0).describe(description);
export const quantity = (description: string) => z.number().min(0).describe(description);
export const share = (description: string) => z.number().min(0).max(1).describe(description);
export const text = (description: string) => z.string().describe(description);

export const sha256 = (description: string) =>
  z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe(description);

/** A node of the mesh, as lines and lists name it. */
export const rank = count('Rank of the node, counting from 0 in ring order.');
export const nodeName = text('Name of the node.');

export const captureKindSchema = z
  .enum(['tcpdump', 'shaper', 'reconstructed'])
  .describe(
    'How the packets came about: tcpdump on the bridge, recorded by the shaper (both genuine), or reconstructed from relayed byte streams.',
  );

/** How the packets of a capture came about. */
export type CaptureKind = Document<typeof captureKindSchema>;
