/**
 * ICMP as connections: requests and replies belong together, by their types.
 *
 * In conn.log the message's type stands where the originator's port does, and the reply's type, or the code of a message
 * that has no reply, at the responder's.
 */

/** Type of the reply to a type, and of the request to a reply. */
const counterparts4 = pairs([8, 0], [13, 14], [15, 16], [10, 9], [17, 18]);
/** Echo, router and neighbour discovery, listener query and report, node information, home agent discovery. */
const counterparts6 = pairs([128, 129], [133, 134], [135, 136], [130, 131], [139, 140], [144, 145]);

function pairs(...of: readonly (readonly [number, number])[]): Int16Array {
  const table = new Int16Array(256).fill(-1);
  for (const [request, reply] of of) {
    table[request] = reply;
    table[reply] = request;
  }
  return table;
}

/** The type of a message's counterpart, or -1 when it has none. */
export function icmpCounterpart(type: number, version: 4 | 6): number {
  return (version === 4 ? counterparts4 : counterparts6)[type]!;
}
