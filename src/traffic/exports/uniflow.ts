/** A record with two directions as two records with one: for formats that have no place for a second. */
import type { FlowHandler, FlowRecord } from '../flows/record.js';

/** A function that hands on each direction of a record that has packets. */
export function eachDirection(next: FlowHandler): FlowHandler {
  return (record) => {
    if (record.backward.packets === 0 && record.backward.octets === 0) {
      next(record);
      return;
    }
    if (record.forward.packets > 0 || record.forward.octets > 0) {
      next({ ...record, backward: nothing });
    }
    next(turned(record));
  };
}

const nothing = { packets: 0, octets: 0, tcpFlags: 0 };

/** The second direction alone. Of its own times nothing is known, so it has those of both. */
function turned(record: FlowRecord): FlowRecord {
  const isIcmp = record.protocol === 1 || record.protocol === 58;
  return {
    ...record,
    source: record.destination,
    destination: record.source,
    // ICMP's type and code stand in the destination's place, whichever way the packet goes.
    sourcePort: isIcmp ? record.sourcePort : record.destinationPort,
    destinationPort: isIcmp ? record.destinationPort : record.sourcePort,
    forward: record.backward,
    backward: nothing,
  };
}
