/**
 * Templar (c2397ac5) on Bittensor: miners meet in object stores only, window by window of block time. No packet
 * goes from peer to peer, so there is nothing here but the protocol itself: uploads, downloads and the polling
 * for objects that are not there yet, all of which the object-store protocol has by itself.
 */
import { figure, type Persona } from './persona.js';

export const templar: Persona = {
  name: 'templar',
  system: 'Templar c2397ac5',
  protocols: ['object-store'],
  tls: figure(true, 'src/tplr/comms.py: S3 and R2 by HTTPS'),
  compression: figure(
    { kind: 'top-k', chunk: 4096, keep: 64, decay: 0.95 },
    'hparams.json topk_compression 64 of target_chunk 64 × 64; momentum_decay 0.95; 4 bins',
  ),
  habits: [],
};
