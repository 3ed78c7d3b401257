/**
 * The columns of conn.log, with the types that Zeek writes above them.
 *
 * The order is Zeek's own, of its 8th version on (`ip_proto` is the newest). The last two come with Zeek's script
 * policy/protocols/conn/mac-logging only.
 */

/** Name and Zeek type of a column. */
export interface ConnColumn {
  readonly name: string;
  readonly type: string;
}

export const connColumns = [
  { name: 'ts', type: 'time' },
  { name: 'uid', type: 'string' },
  { name: 'id.orig_h', type: 'addr' },
  { name: 'id.orig_p', type: 'port' },
  { name: 'id.resp_h', type: 'addr' },
  { name: 'id.resp_p', type: 'port' },
  { name: 'proto', type: 'enum' },
  { name: 'service', type: 'string' },
  { name: 'duration', type: 'interval' },
  { name: 'orig_bytes', type: 'count' },
  { name: 'resp_bytes', type: 'count' },
  { name: 'conn_state', type: 'string' },
  { name: 'local_orig', type: 'bool' },
  { name: 'local_resp', type: 'bool' },
  { name: 'missed_bytes', type: 'count' },
  { name: 'history', type: 'string' },
  { name: 'orig_pkts', type: 'count' },
  { name: 'orig_ip_bytes', type: 'count' },
  { name: 'resp_pkts', type: 'count' },
  { name: 'resp_ip_bytes', type: 'count' },
  { name: 'tunnel_parents', type: 'set[string]' },
  { name: 'ip_proto', type: 'count' },
] as const satisfies readonly ConnColumn[];

export const macColumns = [
  { name: 'orig_l2_addr', type: 'string' },
  { name: 'resp_l2_addr', type: 'string' },
] as const satisfies readonly ConnColumn[];

/** The names, in order. */
export const connColumnNames: readonly string[] = connColumns.map(({ name }) => name);
