import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/report/result.ts';
import { repository } from '../repository.ts';
import { makeKey } from '../transport/server.ts';
import { harden, started } from './harden.ts';

/** Counts who comes, and hangs up: a host that is no SSH server; or one that says nothing. */
const server = createServer((socket) => {
  contacts++;
  met.emit('contact');
  if (!silent) socket.end();
});
const met = new EventEmitter();
let silent = false;
const key = makeKey('ed25519');
let contacts = 0;
let port = 0;
let cwd = '';

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
beforeEach(() => {
  contacts = 0;
  silent = false;
  cwd = mkdtempSync(join(tmpdir(), 'harden-inputs-'));
  return () => rmSync(cwd, { recursive: true });
});
afterAll(() => server.close());

const write = (name: string, text: string) => writeFileSync(join(cwd, name), text, { mode: 0o600 });
const run = (args: string[], env: Record<string, string> = {}) =>
  harden(args, { cwd, env: { NO_COLOR: '1', ...env } });
const golden = (name: string, code: number) => join(import.meta.dirname, 'golden', `${name}.${code}.txt`);

const inventory = (more = '') => `playbook: playbook.yaml
hosts:
  mail1: { address: 127.0.0.1, port: ${port}, user: root, identity_file: ${join(cwd, 'id')}, host_key: ${key.public} }
${more}`;
const PLAYBOOK = `name: one file
tasks:
  - id: motd
    name: the greeting
    file: { path: /etc/motd, content: "hello\\n" }
`;

describe('bad input', () => {
  it.each(['check', 'diff', 'verify', 'apply'])(
    'stops %s before any host, with all mistakes',
    async (command) => {
      write(
        'inventory.yaml',
        `playbook: playbook.yaml
vars:
  trustd: [192.0.2.1]
groups:
  mail: { hosts: [mail1, mial2] }
hosts:
  mail1: { adress: 127.0.0.1, port: 70000, host_key: ssh-ed25519 AAAA }
`,
      );
      write(
        'playbook.yaml',
        `name: mistakes of every kind
vars: { trusted: [] }
tasks:
  - id: limits
    name: limits
    iptables_recent:
      trusted: "{{ trusted }}"
      limits:
        - { name: DDOS-SMTP, protocol: tcp, ports: [25], seconds: 60, hitcount: 1 }
        - { name: DDOS-POP, protocol: tpc, ports: [110], seconds: 60, hitcount: 4 }
  - id: jail
    name: the jail
    fail2ban_jail: { name: james, bantim: 2h, bantime: often, findtime: 20m, maxretry: "{{ jams_maxretry }}" }
  - id: one
    name: one owner
    file: { path: /etc/motd, content: a }
  - id: one
    name: another owner
    file: { path: /etc/motd, content: b }
  - id: service
    name: a misspelt type
    servce: { name: fail2ban }
`,
      );
      const result = await run([command, 'inventory.yaml', ...(command === 'apply' ? ['--yes'] : [])]);
      expect(result).toMatchObject({ code: 1, stdout: '' });
      await expect(result.stderr).toMatchFileSnapshot(golden('mistakes', 1));
      expect(contacts).toBe(0);
    },
  );

  it('that is no YAML', async () => {
    write('inventory.yaml', inventory());
    write('playbook.yaml', 'name: x\ntasks:\n  - id: [\n\tname: y\n');
    const result = await run(['check', 'inventory.yaml']);
    expect(result).toMatchObject({ code: 1, stdout: '' });
    await expect(result.stderr).toMatchFileSnapshot(golden('no-yaml', 1));
    expect(contacts).toBe(0);
  });

  it('is a document for programs as well', async () => {
    write('inventory.yaml', inventory('vers: {}\n'));
    write('playbook.yaml', PLAYBOOK);
    const { code, stdout, stderr } = await run(['check', '--json']);
    const at = { file: 'inventory.yaml', line: expect.any(Number), column: expect.any(Number) };
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      format: 'harden.result/1',
      command: 'check',
      exitCode: 1,
      hosts: [],
      problems: [{ ...at, message: 'unknown key "vers"', hint: 'did you mean "vars"?' }],
    });
    expect(stderr).toContain('unknown key "vers"');
    expect(contacts).toBe(0);
  });
});

describe('good input', () => {
  beforeEach(() => {
    write('inventory.yaml', inventory());
    write('playbook.yaml', PLAYBOOK);
    write('id', key.private);
  });

  it('leads to the host, and one that is no SSH server is unreachable', async () => {
    const { code, stdout } = await run(['check', 'inventory.yaml']);
    expect(code).toBe(3);
    expect(stdout).toContain('1 host: 1 unreachable');
    expect(contacts, stdout).toBe(1);
  });

  it('is found where nobody named it', async () => {
    expect((await run(['check'])).code).toBe(3);
    expect((await run(['check'], { HARDEN_INVENTORY: 'other.yaml' })).stderr).toContain(
      'other.yaml: cannot be read',
    );
    expect(contacts).toBe(1);
  });

  it('--json prints one document and nothing else on standard output', async () => {
    const { code, stdout, stderr } = await run(['check', '--json'], { FORCE_COLOR: '1' });
    const result = JSON.parse(stdout) as RunResult;
    expect(code).toBe(3);
    expect(result).toMatchObject({
      format: 'harden.result/1',
      command: 'check',
      exitCode: 3,
      summary: { hosts: 1, unreachable: 1, ok: 0 },
      hosts: [{ name: 'mail1', address: '127.0.0.1', status: 'unreachable', tasks: [] }],
    });
    expect(stderr).toContain('1 host: 1 unreachable');
  });

  it.each<[string, Record<string, string>, string[]]>([
    ['in a pipe', { NO_COLOR: '' }, []],
    ['with NO_COLOR', { NO_COLOR: '1', FORCE_COLOR: '1' }, []],
    ['with --no-color', { NO_COLOR: '', FORCE_COLOR: '1' }, ['--no-color']],
  ])('there is no colour and nothing moves %s', async (_, env, flags) => {
    const { stdout, stderr } = await run(['check', ...flags], env);
    expect(stdout + stderr).not.toMatch(/[\u001b\r]/);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends it with a sentence', async (signal) => {
    silent = true;
    const contact = once(met, 'contact');
    const { ended, kill } = started(['check'], { cwd, env: { NO_COLOR: '1' } });
    await contact;
    kill(signal);
    const { code, stdout, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toContain('interrupted: ');
    expect(stdout).toMatch(/Connecting to mail1 .* was interrupted before the login\. Nothing was changed/);
  });

  it.each(['| true', '2>&1 >/dev/null | true', '2>&1 | true'])(
    'ends with the same exit code where nobody reads: %s',
    async (redirected) => {
      const script = `node "${join(repository, 'dist/harden.cjs')}" check ${redirected}; echo "\${PIPESTATUS[0]}"`;
      const child = spawn('bash', ['-c', script], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
      expect(await Promise.all([text(child.stdout), text(child.stderr)])).toEqual(['3\n', expect.anything()]);
    },
  );

  it('there is colour where it is wanted', async () => {
    expect((await run(['check'], { NO_COLOR: '', FORCE_COLOR: '1' })).stdout).toContain('\u001b[');
  });

  it('nothing secret is printed', async () => {
    const env = { HARDEN_BECOME_PASSWORD: 'hunter2-become' };
    write('playbook.yaml', PLAYBOOK.replace('hello\\n', '{{ token }}'));
    const { code, stdout, stderr } = await run(['check', '--json', '-v', '--var', 'token=hunter2-var'], env);
    expect(code).toBe(3);
    expect(stdout + stderr).not.toContain('hunter2');
  });
});

it('the shipped example is a good inventory', async () => {
  const { code, stderr } = await harden(
    ['check', join(repository, 'inventory/example.yaml'), '--limit', '!mail1,!mail2'],
    {
      cwd,
    },
  );
  // all is well up to the point where no host is left
  expect(stderr).toContain('leaves no host');
  expect(code).toBe(1);
});
