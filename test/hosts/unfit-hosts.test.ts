import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { harden } from '../cli/harden.ts';
import { startHost, type TestHost } from './host.ts';
import { record, statuses } from './record.ts';

let host: TestHost;
beforeAll(async () => {
  host = await startHost();
});
afterAll(() => host?.stop());

describe('a host that is not what the playbook expects', () => {
  it('without James: its tasks are blocked with that reason, the rest is applied', async () => {
    const bare = await startHost({ kind: 'fail2ban', james: false });
    const result = await record('apply', bare.inventory());
    expect(result.exitCode, result.text).toBe(3);
    expect(statuses(result)).toMatchObject({
      'fail2ban.installed': 'ok',
      'firewall.limits': 'changed',
      'fail2ban.sshd': 'changed',
      // as shipped it runs where sshd has a log to watch
      'fail2ban.running': expect.stringMatching(/^(ok|changed)$/),
      'james.log4j2': 'blocked',
      'james.log': 'blocked',
      'fail2ban.james': 'blocked',
    });
    expect(result.tasks['james.log4j2']?.reason).toMatch(/James is not installed here/);
    expect(await bare.must('fail2ban-client status')).toMatch(/Jail list:\s+sshd$/m);
    const again = await record('check', bare.inventory());
    expect(again.exitCode, again.text).toBe(3);
    expect(statuses(again)).toMatchObject({
      'firewall.limits': 'ok',
      'fail2ban.sshd': 'ok',
      'fail2ban.running': 'ok',
    });
    await bare.stop();
  });

  it.each([
    [
      'not well-formed',
      '<Configuration>\n  <Appenders>\n</Configuration>\n',
      /log4j2\.xml:\d+:\d+ the file is not well-formed XML/,
    ],
    [
      'with a DOCTYPE',
      '<!DOCTYPE x [<!ENTITY a "b">]>\n<Configuration/>\n',
      /log4j2\.xml:1:1 it has a DOCTYPE/,
    ],
    [
      'without loggers',
      '<Configuration>\n  <Appenders/>\n</Configuration>\n',
      /log4j2\.xml:1:1 the configuration has no <Loggers> section/,
    ],
  ])('a log4j2.xml %s is left alone, with line and column', async (_name, text, reason) => {
    await host.must(
      `cp -p /opt/james/conf/log4j2.xml /root/log4j2.xml; printf '%s' '${text}' >/opt/james/conf/log4j2.xml`,
    );
    const result = await record('apply', host.inventory(), { args: ['--task', 'james.log4j2'] });
    expect(result.exitCode, result.text).toBe(3);
    expect(result.tasks['james.log4j2']).toMatchObject({
      status: 'blocked',
      reason: expect.stringMatching(reason),
    });
    expect(result.tasks['james.log4j2']?.reason).toContain('it was left alone');
    expect((await host.exec('cat /opt/james/conf/log4j2.xml')).stdout).toBe(text);
    await host.must('cp -p /root/log4j2.xml /opt/james/conf/log4j2.xml');
  });

  it('a log4j2.xml that is missing', async () => {
    await host.must('mv /opt/james/conf/log4j2.xml /root/');
    const result = await record('check', host.inventory(), { args: ['--task', 'james.log4j2'] });
    expect(result.exitCode).toBe(3);
    expect(result.tasks['james.log4j2']?.reason).toMatch(/James is not installed here: .* does not exist/);
    await host.must('mv /root/log4j2.xml /opt/james/conf/');
  });
});

it('apply needs --yes where nobody can answer, and contacts no host', async () => {
  const connections = await host.connections();
  const folder = mkdtempSync(join(tmpdir(), 'harden-test-'));
  writeFileSync(join(folder, 'inventory.yaml'), host.inventory());
  const { code, stderr } = await harden(['apply'], { cwd: folder });
  rmSync(folder, { recursive: true });
  expect(code).toBe(1);
  expect(stderr).toMatch(/harden diff.*--yes/);
  expect(await host.connections()).toBe(connections);
});
