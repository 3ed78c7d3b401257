import { describe, expect, test } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { chooseMeshAddress, type InterfaceAddress } from '../../../src/wan/own/mesh-address.js';

const at = (name: string, address: string): InterfaceAddress => ({ interface: name, address, prefix: 16 });
const mesh = at('eth1', '10.77.0.3');
const control = at('eth0', '172.20.0.3');
const third = at('eth2', '192.168.7.3');

describe('chooseMeshAddress', () => {
  test('the interface that was named', () => {
    expect(chooseMeshAddress([control, mesh], { interface: 'eth0' })).toEqual(control);
    const question = { interface: 'eth1', orchestratorLocalAddress: mesh.address };
    expect(chooseMeshAddress([control, mesh], question)).toEqual(mesh);
  });

  test('the only one that does not lead to the orchestrator', () => {
    expect(chooseMeshAddress([control, mesh], { orchestratorLocalAddress: control.address })).toEqual(mesh);
    expect(chooseMeshAddress([mesh, control], { orchestratorLocalAddress: control.address })).toEqual(mesh);
  });

  test('the only one, whether it leads to the orchestrator or the orchestrator is on this machine', () => {
    expect(chooseMeshAddress([mesh], { orchestratorLocalAddress: mesh.address })).toEqual(mesh);
    expect(chooseMeshAddress([mesh], { orchestratorLocalAddress: '127.0.0.1' })).toEqual(mesh);
    expect(chooseMeshAddress([mesh], {})).toEqual(mesh);
  });

  test('of several addresses of one interface the first', () => {
    expect(chooseMeshAddress([mesh, at('eth1', '10.77.9.9')], {})).toEqual(mesh);
  });

  test('an interface leads to the orchestrator with all its addresses', () => {
    const second = at('eth0', '172.20.9.9');
    const question = { orchestratorLocalAddress: second.address };
    expect(chooseMeshAddress([control, second, mesh], question)).toEqual(mesh);
  });

  test.each([
    [[control, mesh], {}, /Found eth0 \(172\.20\.0\.3\/16\), eth1 \(10\.77\.0\.3\/16\); .*--interface eth0/],
    [
      [control, mesh, third],
      { orchestratorLocalAddress: control.address },
      /Found eth1 .*, eth2 .*--interface eth1/,
    ],
    [[control], { interface: 'eth9' }, /--interface: found eth9, .*allowed: eth0/],
    [[], {}, /--interface: found no network interface/],
    [[], { interface: 'eth0' }, /--interface: found eth0, .*allowed: none/],
  ] as const)('guesses nothing: %j, asked %j', (addresses, question, message) => {
    const choose = (): unknown => chooseMeshAddress(addresses, question);
    expect(choose).toThrow(InputError);
    expect(choose).toThrow(message);
  });
});
