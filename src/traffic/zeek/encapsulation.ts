/**
 * The tunnels around a packet, from the outermost inwards: a chain from the innermost to its outer ones.
 *
 * A tunnel over UDP is a connection of conn.log and has its uid; a tunnel right in IP (GRE, 6in4) is only known by its
 * two addresses, and gets a uid that no row has. Each chain exists once, so that two are equal when they are the same
 * object.
 */
export interface Encapsulation {
  /** Of the innermost tunnel. */
  readonly uid: string;
  /** 1 for a tunnel that is in no other. */
  readonly depth: number;
  readonly outer: Encapsulation | undefined;
}

/** Zeek looks into no more tunnels in tunnels. */
export const MAX_TUNNEL_DEPTH = 2;

/** The chain of a tunnel within another: `kept` when it is that already. */
export function within(
  outer: Encapsulation | undefined,
  uid: string,
  kept: Encapsulation | undefined,
): Encapsulation {
  if (kept !== undefined && kept.outer === outer && kept.uid === uid) return kept;
  return { uid, depth: (outer?.depth ?? 0) + 1, outer };
}
