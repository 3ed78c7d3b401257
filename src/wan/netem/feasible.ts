/**
 * Can the kernel shape here? Tried and not guessed: in a network namespace that lives as long as the try, each part
 * that the driver needs is set up once, and the first that can't be is what is missing.
 */
import { spawnSync } from 'node:child_process';
import { UNSHARE_ARGUMENTS, type Feasibility } from '../netns/feasible.js';
import { findProgram } from '../netns/programs.js';

/** What each line needs, and the line. */
const STEPS: readonly (readonly [part: string, line: string])[] = [
  [
    'sch_htb',
    'tc qdisc add dev lo root handle 1: htb && tc class add dev lo parent 1: classid 1:1 htb rate 1mbit',
  ],
  ['sch_netem', 'tc qdisc add dev lo parent 1:1 netem delay 1ms'],
  ['ifb', 'ip link add probe0 type ifb'],
  ['sch_tbf', 'tc qdisc add dev probe0 root tbf rate 1mbit burst 5000 limit 50000'],
  ['sch_ingress', 'tc qdisc add dev lo ingress'],
  [
    'cls_u32 or act_gact',
    'tc filter add dev lo parent 1: protocol ip prio 1 u32 match u32 0 0 flowid 1:0 action ok',
  ],
  [
    'act_mirred',
    'tc filter add dev lo parent ffff: protocol ip prio 1 u32 match u32 0 0 action mirred egress redirect dev probe0',
  ],
];

/**
 * What is missing, in words that follow "needs"; undefined where the driver can work.
 *
 * @param way how network namespaces are made here
 */
export function netemObstacle(way: Exclude<Feasibility['way'], 'none'>): string | undefined {
  for (const [program, source] of [
    ['tc', 'iproute2'],
    ['ethtool', 'ethtool'],
    ['tcpdump', 'tcpdump'],
  ] as const) {
    if (findProgram(program) === undefined) return `the program '${program}' (package ${source})`;
  }
  const script = STEPS.map(([part, line]) => `{ ${line}; } || { echo '${part}'; exit; }`).join('\n');
  const words = way === 'direct' ? ['--net', '--'] : UNSHARE_ARGUMENTS;
  const { status, stdout } = spawnSync('unshare', [...words, 'sh', '-c', script], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin` },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  if (status !== 0) return 'network namespaces in which tc may set qdiscs';
  return stdout === '' ? undefined : `the kernel module ${stdout.trim()}`;
}
