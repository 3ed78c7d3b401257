/**
 * A flow record as a row: the columns that CSV and Parquet share, in their order. A file with these columns says all
 * that a record says, and reads back to the same record.
 */
export const flowColumns = [
  /** First and last packet of either direction: in CSV, seconds since 1970-01-01 UTC with six decimals. */
  'start',
  'end',
  /** Who sent the first packet, or the SYN. */
  'source',
  'source_port',
  'destination',
  /** For ICMP 256 × type + code. */
  'destination_port',
  /** Number of the IP header. */
  'protocol',
  'packets',
  /** Bytes of IP packets, with their headers. */
  'bytes',
  'reverse_packets',
  'reverse_bytes',
  /** All TCP flags or'ed, as a number. */
  'tcp_flags',
  'reverse_tcp_flags',
  /** A word of {@link endReasons}. */
  'end_reason',
  /** One of so many packets was observed; counts are those observed. */
  'sampling_rate',
] as const;
export type FlowColumn = (typeof flowColumns)[number];

/** Words for flowEndReason 1 to 5. */
export const endReasons = ['idle', 'active', 'end', 'forced', 'resources'] as const;
