import { describe, expect, test } from 'vitest';
import { RunError } from '../../../src/errors.js';
import { furnishSettings, type SettingsFiles } from '../../../src/wan/own/settings.js';

const TCP = { congestion: 'cubic', slowStartAfterIdle: false, initialWindow: 10 } as const;

/** As a container has them whose host forwards. */
const USUAL = {
  'net/ipv4/conf/eth0/forwarding': '1',
  'net/ipv4/conf/wan0/forwarding': '1',
  'net/ipv4/ip_early_demux': '1',
  'net/ipv4/tcp_no_metrics_save': '0',
  'net/ipv4/tcp_slow_start_after_idle': '1',
  'net/ipv4/tcp_rmem': '4096\t131072\t6291456',
  'net/ipv4/tcp_wmem': '4096\t16384\t4194304',
};
/** As a container has them that was started with all options. */
const RIGHT = {
  ...USUAL,
  'net/ipv4/ip_early_demux': '0',
  'net/ipv4/tcp_no_metrics_save': '1',
  'net/ipv4/tcp_slow_start_after_idle': '0',
  'net/ipv4/tcp_rmem': '4096\t1048576\t67108864',
  'net/ipv4/tcp_wmem': '4096\t1048576\t33554432',
};

class Files implements SettingsFiles {
  readonly values: Map<string, string>;
  readonly #readOnly: RegExp;

  constructor(values: Readonly<Record<string, string>>, readOnly: RegExp) {
    this.values = new Map(Object.entries(values));
    this.#readOnly = readOnly;
  }

  read(key: string): string {
    const value = this.values.get(key);
    if (value === undefined) throw new Error(`ENOENT ${key}`);
    return value;
  }

  write(key: string, value: string): void {
    if (this.#readOnly.test(key)) throw new Error(`EROFS ${key}`);
    this.values.set(key, value);
  }
}

const ALL = /^/;
const NONE = /^$/;

function refusal(values: Readonly<Record<string, string>>, readOnly = ALL): string {
  const files = new Files(values, readOnly);
  try {
    furnishSettings('eth0', TCP, files);
  } catch (error) {
    expect(error).toBeInstanceOf(RunError);
    expect(Object.fromEntries(files.values)).toEqual(values);
    return (error as Error).message;
  }
  return '';
}

describe('furnishSettings', () => {
  test('right settings are left alone, whoever may write', () => {
    expect(refusal(RIGHT)).toBe('');
    const files = new Files(RIGHT, NONE);
    furnishSettings('eth0', TCP, files)();
    expect(Object.fromEntries(files.values)).toEqual(RIGHT);
  });

  test('one error lists all that is wrong: found, needed, and the options that mend it', () => {
    const message = refusal(USUAL);
    for (const part of [
      'net.ipv4.ip_early_demux is 1, must be 0',
      'net.ipv4.tcp_rmem is 4096 131072 6291456, must be at least 4096 1048576 33554432',
      '--sysctl net.ipv4.ip_early_demux=0 ',
      "--sysctl 'net.ipv4.tcp_wmem=4096 1048576 33554432'",
      'sysctls:',
    ]) {
      expect(message).toContain(part);
    }
    expect(message).not.toMatch(/forward/);
  });

  test('a device that does not forward needs ip_forward', () => {
    const message = refusal({
      ...RIGHT,
      'net/ipv4/conf/eth0/forwarding': '0',
      'net/ipv4/conf/wan0/forwarding': '0',
    });
    expect(message.match(/--sysctl \S+/g)).toEqual(['--sysctl net.ipv4.ip_forward=1']);
  });

  test('slow start after idle is as the scenario wants it', () => {
    const files = new Files(RIGHT, ALL);
    expect(() => furnishSettings('eth0', { ...TCP, slowStartAfterIdle: true }, files)).toThrow(
      'tcp_slow_start_after_idle=1',
    );
  });

  test('what may be written is set, and put back in the end', () => {
    const found = { ...USUAL, 'net/ipv4/conf/eth0/forwarding': '0' };
    const files = new Files(found, NONE);
    const undo = furnishSettings('eth0', TCP, files);
    expect(refusal(Object.fromEntries(files.values))).toBe('');
    undo();
    expect(Object.fromEntries(files.values)).toEqual(found);
  });

  test('where one can be written and another not, nothing stays changed', () => {
    const message = refusal(USUAL, /tcp_rmem/);
    expect(message.match(/--sysctl [^ ]+/g)).toEqual(["--sysctl 'net.ipv4.tcp_rmem=4096"]);
  });
});
