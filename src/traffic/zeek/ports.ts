/**
 * Ports that Zeek knows: where a likely server sits, and where a tunnel ends.
 *
 * Zeek sees a connection's first packet and must say who called. Where the packet doesn't tell (no SYN, or UDP), the end
 * with a well-known port is the callee. "Well-known" is what the scripts that Zeek loads by default register
 * (`likely_server_ports`); the lists here are those of its analyzers.
 */

const tcpServers = [
  [21, 2811], // FTP
  [22], // SSH
  [25, 587], // SMTP
  [53], // DNS
  [79], // finger
  [80, 81, 631, 1080, 3128, 8000, 8080, 8888], // HTTP and proxies; SOCKS is 1080, too
  [88], // Kerberos
  [135], // DCE/RPC
  [139, 445], // SMB
  [143], // IMAP
  [389, 3268], // LDAP
  [443, 563, 585, 614, 636, 989, 990, 992, 993, 995, 5223], // TLS
  [502], // Modbus
  [1434, 3306], // MySQL
  [1883], // MQTT
  [3389], // RDP
  [5222, 5269], // XMPP
  [5432], // PostgreSQL
  [6379], // Redis
  [6666, 6667, 6668, 6669], // IRC
  [20000], // DNP3
].flat();

const udpServers = [
  [53, 137, 5353, 5355], // DNS, NetBIOS names, mDNS, LLMNR
  [67], // DHCP; 68 is the client's
  [88], // Kerberos
  [123], // NTP
  [161, 162], // SNMP
  [389], // LDAP
  [443], // DTLS, QUIC
  [514], // syslog
  [1812], // RADIUS
  [3389], // RDP over UDP
  [5060], // SIP
  [20000], // DNP3
  [2152, 2123], // GTP
  [3544], // Teredo
  [4789], // VXLAN
  [5072], // AYIYA
  [6081], // Geneve
].flat();

/** 65,536 flags: a look-up per packet must cost nothing. */
function flags(ports: readonly number[]): Uint8Array {
  const set = new Uint8Array(65_536);
  for (const port of ports) set[port] = 1;
  return set;
}

const tcpFlags = flags(tcpServers);
const udpFlags = flags(udpServers);

export const isTcpServerPort = (port: number): boolean => tcpFlags[port] === 1;
export const isUdpServerPort = (port: number): boolean => udpFlags[port] === 1;

/** UDP conversations with a responder here are over when DNS would be (see timeouts.ts). */
export function isDnsPort(port: number): boolean {
  return port === 53 || port === 137 || port === 5353 || port === 5355;
}

/** TCP services of people at keyboards, who may think for a while. */
export function isInteractivePort(port: number): boolean {
  return port === 21 || port === 22 || port === 23 || port === 513;
}
