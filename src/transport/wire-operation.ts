/** A part of a schedule in the control plane's messages: MessagePack of what src/schedule/operation.ts says. */
import { Packr } from 'msgpackr';
import type { Part } from '../schedule/operation.js';

const packr = new Packr({ useRecords: false });

export function packPart(part: Part): Buffer {
  return packr.pack(part);
}

/** Of what packPart made, which the orchestrator alone does: its types are taken on trust. */
export function unpackPart(packed: Uint8Array): Part {
  return packr.unpack(packed) as Part;
}
