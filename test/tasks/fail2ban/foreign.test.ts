import { describe, expect, it } from 'vitest';
import { foreignSetting } from '../../../src/tasks/fail2ban/foreign.ts';
import { jailParams, type Over } from './fixtures/jail.ts';

const OWN = '/etc/fail2ban/jail.d/james.conf';
const JAIL_CONF = { path: '/etc/fail2ban/jail.conf', text: '[DEFAULT]\nignoreip = 127.0.0.1/8 ::1\n' };

const foreign = (name: string, text: string, over: Over = {}) =>
  foreignSetting(jailParams(over), [JAIL_CONF, { path: `/etc/fail2ban/${name}`, text }], OWN);

describe('what other hands wrote', () => {
  it.each<[string, string, Over?]>([
    ['nothing', ''],
    ['about other jails', '[sshd]\nfailregex = x\nignoreregex = y'],
    ['a jail of the same kind', '[james-old]\nfailregex = x'],
    ['an action that tells somebody, too', '[james]\naction = %(action_mwl)s'],
    ['values that are compared elsewhere', '[james]\nbantime = 1m\nmaxretry = 99'],
    ['defaults of a jail, which this one overrides', '[DEFAULT]\nbantime = 1m\nfindtime = 2m'],
    ['an ignoreip of its own', '[DEFAULT]\nignoreip = 10.0.0.0/8 mail.example.org'],
    [
      'the expression of a jail that is not ours as a whole',
      '[james]\ndatepattern = ^X',
      { file: '/etc/fail2ban/jail.d/others.conf' },
    ],
    ['the filter that is ours, with options', '[james]\nfilter = james[mode=more]', { filter: undefined }],
    ['another filter, which ours overrides', '[james]\nfilter = apache', { filter: 'james' }],
  ])('may be %s', (_, text, over) => expect(foreign('jail.local', text, over)).toBeUndefined());

  it.each(['failregex', 'ignoreregex', 'prefregex', 'datepattern', 'maxlines', 'ignorecommand'])(
    'may not set %s of our jail',
    (key) =>
      expect(foreign('jail.d/x.conf', `# a\n[james]\nbantime = 2h\n${key} = x`)).toBe(
        `/etc/fail2ban/jail.d/x.conf:4 sets ${key} of [james], which is not its own any more; remove it`,
      ),
  );

  it('may not set it in the file that is ours, either', () =>
    expect(foreign('jail.d/james.conf', '[james]\nfailregex = x')).toContain('james.conf:2 sets failregex'));

  it('may not give our jail another filter', () =>
    expect(foreign('jail.local', '[james]\nfilter = apache', { filter: undefined })).toBe(
      '/etc/fail2ban/jail.local:2 gives [james] the filter apache; remove it',
    ));

  it.each([
    ['[james]', 'dummy'],
    ['[DEFAULT]', 'sendmail-whois[name=x]'],
  ])('may not make an action that closes nothing the ban: %s %s', (section, action) =>
    expect(foreign('jail.local', `${section}\nbanaction = ${action}`)).toBe(
      `/etc/fail2ban/jail.local:2 makes ${action} the ban action, so [james] would ban nobody; remove it`,
    ),
  );

  it('has to be such that fail2ban can start', () =>
    expect(foreign('jail.local', '[other]\nenabled = true\nwhat is this')).toBe(
      '/etc/fail2ban/jail.local:3 is not a line that fail2ban can read, so it will not start again; mend it',
    ));

  it.each([
    ['[DEFAULT]', '0.0.0.0/0'],
    ['[DEFAULT]', '::1 ::/0'],
    ['[james]', '10.0.0.0/8,0.0.0.0/0'],
  ])('may not spare everybody: %s %s', (section, ignoreip) =>
    expect(foreign('jail.local', `${section}\nignoreip = ${ignoreip}`)).toBe(
      '/etc/fail2ban/jail.local:2 spares every address there is: [james] would ban nobody; remove it',
    ),
  );
});
