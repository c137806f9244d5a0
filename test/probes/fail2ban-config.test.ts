import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fail2banConfigProbe } from '../../src/probes/fail2ban-config.ts';

const parse = (output: string | Buffer) =>
  fail2banConfigProbe.parse(Buffer.from(output), ['jails']).get('jails');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fail2ban-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The probe's real script on a folder of these files. */
function look(files: Readonly<Record<string, string | Buffer>>) {
  mkdirSync(join(folder, 'jail.d'), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const input = fail2banConfigProbe.script(['jails']).text.replaceAll('/etc/fail2ban', folder);
  return spawnSync('dash', ['-s'], { input, env: { ...process.env, LC_ALL: 'C' } });
}
const seen = (files: Readonly<Record<string, string | Buffer>>) => {
  const { status, stdout } = look(files);
  expect(status).toBe(0);
  return parse(stdout);
};

describe('the configuration of the jails', () => {
  it('is absent where there is no folder', () => {
    rmSync(folder, { recursive: true });
    const input = fail2banConfigProbe.script(['jails']).text.replaceAll('/etc/fail2ban', folder);
    expect(parse(spawnSync('dash', ['-s'], { input }).stdout)).toEqual({ state: 'absent' });
  });

  it('may be empty', () => expect(seen({})).toEqual({ state: 'present', value: [] }));

  it('keeps the order of the files and the numbers of their lines', () =>
    expect(
      seen({
        'jail.local': '',
        'jail.d/z.local': '# nothing',
        'jail.d/a b=c.conf': '[x]\nfile ./jail.local\n7:8\n',
        'jail.d/not.read': '[y]',
        'jail.conf':
          '# of the package\n\n[DEFAULT]\n ; so\nbantime = 1:00\n[sshd]\nport = 1\n [DEFAULT]\nx = y',
      }),
    ).toEqual({
      state: 'present',
      value: [
        {
          path: '/etc/fail2ban/jail.conf',
          text: '\n\n[DEFAULT]\n\nbantime = 1:00\n\n\n [DEFAULT]\nx = y',
        },
        { path: '/etc/fail2ban/jail.d/a b=c.conf', text: '[x]\nfile ./jail.local\n7:8' },
        { path: '/etc/fail2ban/jail.local', text: '' },
        { path: '/etc/fail2ban/jail.d/z.local', text: '' },
      ],
    }));

  it('keeps every byte', () =>
    expect(seen({ 'jail.local': Buffer.from('\u00e4\u0080 = \u00ff\r', 'latin1') })).toMatchObject({
      value: [{ text: '\u00e4\u0080 = \u00ff\r' }],
    }));

  it('is not read where a name has a line break, which could pass for another file', () => {
    const { status, stderr } = look({ 'jail.d/a\nb.conf': '[x]' });
    expect(status).toBe(1);
    expect(stderr.toString()).toContain('has a line break');
  });

  it('that is something else is not understood', () =>
    expect(parse('absent\n')).toMatchObject({ state: 'unreadable' }));
});
