import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { chainRules } from '../../../src/tasks/iptables/chain.ts';
import { ruleDrift } from '../../../src/tasks/iptables/drift.ts';
import { loaderFile, MANAGERS, rulesFile, UNIT_TEXT } from '../../../src/tasks/iptables/persisted.ts';
import { restore } from './arbitraries.ts';

describe('rulesFile', () => {
  const rules = chainRules(
    [{ name: 'A', protocol: 'tcp', ports: [25], seconds: 60, hitcount: 4 }],
    [],
    'ipv4',
    [],
  );

  it('brings a fresh kernel to what is wanted', () => {
    const after = restore(
      { chains: new Map([['INPUT', ['-j ACCEPT']]]) },
      rulesFile('HARDEN', rules, 'ipv4'),
    );
    expect(ruleDrift(after, 'HARDEN', rules, 'ipv4')).toEqual([]);
    expect(after.chains.get('INPUT')).toEqual(['-j HARDEN', '-j ACCEPT']);
  });
});

describe('loaderFile', () => {
  it('is a script that sh can read', () => {
    expect(spawnSync('sh', ['-n'], { input: loaderFile('HARDEN') }).status).toBe(0);
  });

  it('loads nothing before firewalld has flushed what was there', () => {
    const text = loaderFile('HARDEN');
    expect(text.indexOf('firewall-cmd --state')).toBeGreaterThan(0);
    expect(text.indexOf('firewall-cmd --state')).toBeLessThan(text.indexOf('family iptables'));
  });
});

describe('the unit', () => {
  const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(UNIT_TEXT)?.[1]?.split(' ');

  it('starts after whoever flushes the table, before fail2ban and the network', () => {
    expect(value('After')).toEqual(expect.arrayContaining([...MANAGERS]));
    expect(value('Before')).toEqual(expect.arrayContaining(['fail2ban.service', 'network-pre.target']));
  });

  it('waits for nothing that may wait for the network', () => {
    expect(value('DefaultDependencies')).toEqual(['no']);
    expect(UNIT_TEXT).not.toMatch(/sysinit|basic\.target/);
    expect(value('Conflicts')).toEqual(['shutdown.target']);
  });
});
