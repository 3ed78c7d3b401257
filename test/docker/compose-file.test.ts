/** The compose file itself, as Compose reads it: who may do what, who is where, and what one can set. */
import { beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ComposeProject } from '../support/compose.js';
import { call, COMPOSE, dockerNeeds } from '../support/docker.js';
import { engineReady } from '../support/engine.js';
import { describeIf } from '../support/requires.js';
import { secretsIn } from '../support/secrets.js';

interface Service {
  readonly image: string;
  readonly user?: string;
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly privileged?: boolean;
  readonly read_only?: boolean;
  readonly security_opt?: readonly string[];
  readonly network_mode?: string;
  readonly networks?: Readonly<Record<string, unknown>>;
  readonly devices?: readonly unknown[];
  readonly ports?: readonly (string | { readonly host_ip?: string })[];
}

interface File {
  readonly services: Readonly<Record<string, Service>>;
}

describeIf(dockerNeeds(), 'the compose file', () => {
  let asUsed: File;
  let bare: File;

  beforeAll(async () => {
    await engineReady();
    const project = await ComposeProject.create();
    asUsed = parse((await project.compose('config')).stdout) as File;
    // As on a new clone: nothing is set.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith('MESHBEAT_')),
    );
    bare = parse((await call([...(COMPOSE ?? []), 'config'], { env })).stdout) as File;
  });

  test('needs nothing to be set', () => {
    expect(Object.keys(bare.services).sort()).toEqual([
      'capture',
      'grafana',
      'node',
      'orchestrator',
      'prometheus',
    ]);
    expect(Object.keys(asUsed.services)).toEqual(Object.keys(bare.services));
  });

  test('gives each service what it needs and no more', () => {
    const powers = Object.entries(bare.services).map(([name, service]) => [
      name,
      [...(service.cap_add ?? [])].sort(),
    ]);
    expect(Object.fromEntries(powers)).toEqual({
      orchestrator: ['SETGID', 'SETUID'],
      node: ['NET_ADMIN', 'SYS_NICE'],
      capture: ['NET_RAW', 'SETGID', 'SETUID'],
      prometheus: [],
      grafana: [],
    });
    for (const service of Object.values(bare.services)) {
      expect(service.cap_drop).toEqual(['ALL']);
      expect(service.privileged ?? false).toBe(false);
    }
    const having = (has: (service: Service) => unknown): string[] =>
      Object.keys(bare.services)
        .filter((name) => has(bare.services[name]!))
        .sort();
    expect(having(({ devices }) => devices?.length)).toEqual(['node']);
    expect(having(({ network_mode }) => network_mode === 'host')).toEqual(['capture']);
    expect(having(({ user }) => user?.startsWith('0'))).toEqual(['capture', 'orchestrator']);
    // Those without it have programs with file capabilities to start.
    expect(having(({ security_opt }) => security_opt?.join().includes('no-new-privileges'))).toEqual([
      'grafana',
      'orchestrator',
      'prometheus',
    ]);
  });

  test('puts only nodes on the mesh, and opens ports to this machine only', () => {
    const on = (network: string): string[] =>
      Object.entries(bare.services)
        .filter(([, { networks }]) => Object.keys(networks ?? {}).includes(network))
        .map(([name]) => name)
        .sort();
    expect(on('mesh')).toEqual(['node']);
    expect(on('control')).toEqual(['grafana', 'node', 'orchestrator', 'prometheus']);
    const ports = Object.values(bare.services).flatMap((service) => service.ports ?? []);
    expect(ports).toHaveLength(4);
    const addresses = ports.map((port) => (typeof port === 'string' ? port.split(':')[0] : port.host_ip));
    expect(new Set(addresses)).toEqual(new Set(['127.0.0.1']));
  });

  test('has every image pinned, and no secret', () => {
    for (const { image } of Object.values(bare.services)) expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
    expect(secretsIn(JSON.stringify(bare))).toEqual([]);
  });
});
