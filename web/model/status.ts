/**
 * How the page stands to the run, in a word for the corner of the page: live, waiting, over, or cut off. The
 * word comes with a kind, from which the page takes a sign and a colour.
 */
import type { WireBoard, WireSnapshot } from '../../orchestrator/web/wire.js';

/** Whether events arrive. */
export type Connection = 'connecting' | 'open' | 'lost';

export interface Status {
  readonly kind: 'waiting' | 'live' | 'ended' | 'failed' | 'lost';
  readonly text: string;
}

export function statusOf(connection: Connection, now: WireSnapshot | null): Status {
  if (now === null) return { kind: 'waiting', text: connection === 'lost' ? 'reconnecting…' : 'connecting…' };
  const { ended } = now;
  if (ended !== null) {
    const gone = connection === 'open' ? '' : '; this is its last picture';
    if (ended.failure === null) return { kind: 'ended', text: `run ended${gone}` };
    return { kind: 'failed', text: `run broke off${gone}` };
  }
  if (connection !== 'open') return { kind: 'lost', text: 'reconnecting… this is the last picture' };
  return { kind: 'live', text: 'live' };
}

/** The line under the title: what goes on, or why it no longer does. */
export function stageOf({ board, ended }: WireSnapshot): string {
  if (ended === null) return board.stage;
  const done = board.rounds === 0 ? 'the programs have ended' : `all ${board.rounds} rounds are done`;
  return ended.failure ?? done;
}

/** "diloco · 4 nodes · netns": what is run, and where; a scenario named for its protocol says it once. */
export function titleOf({ scenario, protocol, nodes, fabric }: WireBoard): string {
  const names = scenario === protocol ? [scenario] : [scenario, protocol];
  return [...names, `${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}`, fabric].join(' · ');
}
