import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { repository } from '../repository.ts';
import { harden } from './harden.ts';

const cwd = mkdtempSync(join(tmpdir(), 'harden-usage-'));
afterAll(() => rmSync(cwd, { recursive: true }));

const run = (...args: string[]) =>
  harden(args, { cwd, env: { COLUMNS: '80', HARDEN_INVENTORY: '', NO_COLOR: '1' } });

/** What is said to whom, as golden files with the exit code in their names; `npx vitest -u` writes them anew. */
const golden = (name: string, code: number) => join(import.meta.dirname, 'golden', `${name}.${code}.txt`);

describe('the command line', () => {
  it.each<[string, number, ...string[]]>([
    ['help', 0, '--help'],
    ['help-apply', 0, 'apply', '--help'],
    ['help-doctor', 0, 'doctor', '--help'],
    ['help-rollback', 0, 'rollback', '--help'],
    ['tasks', 0, 'tasks'],
    ['tasks-jail', 0, 'tasks', 'fail2ban_jail'],
  ])('%s is printed on standard output', async (name, code, ...args) => {
    const result = await run(...args);
    expect(result).toMatchObject({ code, stderr: '' });
    await expect(result.stdout).toMatchFileSnapshot(golden(name, code));
  });

  it.each<[string, string, ...string[]]>([
    ['nothing', 'Usage: harden [options] [command]'],
    ['a misspelt command', "unknown command 'chekc'\n(Did you mean check?)", 'chekc'],
    ['a misspelt flag', "unknown option '--limt'\n(Did you mean --limit?)", 'check', '--limt', 'x'],
    ['a flag without its value', "option '--limit <pattern>' argument missing", 'check', '--limit'],
    ['too much', "too many arguments for 'apply'", 'apply', 'a', 'b', '--yes'],
    ['too few', "missing required argument 'kind'", 'schema'],
    ['another kind', "argument value 'hosts' is invalid", 'schema', 'hosts'],
    ['a number out of range', '--forks takes a whole number from 1 to 500, not "0"', 'check', '--forks', '0'],
    ['no number', '--confirm-timeout takes a whole number', 'apply', '--confirm-timeout', '1e2'],
    ['half an assignment', '--var takes NAME=VALUE, not "x"', 'check', '--var', 'x'],
    ['a misspelt task type', 'did you mean "fail2ban_jail"?', 'tasks', 'fail2ban_jial'],
    ['no inventory', 'looked at $HARDEN_INVENTORY, inventory.yaml and inventory/inventory.yaml', 'check'],
    ['a missing inventory', 'none.yaml: cannot be read: there is no such file', 'check', 'none.yaml'],
    ['nobody to ask', 'there is no terminal to ask on: look at harden diff, then give --yes', 'apply'],
    [
      'nobody to ask whether to roll back',
      'there is no terminal to ask on: look at harden rollback --dry-run, then give --yes',
      'rollback',
    ],
    [
      'a missing inventory where nobody is asked',
      'none.yaml: cannot be read',
      'rollback',
      '--dry-run',
      'none.yaml',
    ],
  ])('%s is a mistake and ends with 1', async (_, said, ...args) => {
    const result = await run(...args);
    expect(result).toMatchObject({ code: 1, stdout: '' });
    expect(result.stderr).toContain(said);
    expect(result.stderr).not.toMatch(/\bat .*\.[cjt]s/);
  });

  it.each<[string, ...string[]]>([
    ["unknown option '--limt'\n(Did you mean --limit?)", 'check', '--json', '--limt', 'x'],
    ['--forks takes a whole number from 1 to 500, not "0"', 'doctor', '--forks', '0', '--json'],
    ['apply asks before it changes anything', 'apply', '--json'],
    ['--run takes the id of a run', 'rollback', '--run', 'nope', '--json', '--yes'],
  ])('a mistake there is a document for programs as well: %s', async (said, command, ...args) => {
    const { code, stdout, stderr } = await run(command!, ...args);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      command,
      exitCode: 1,
      hosts: [],
      problems: [{ file: 'command line', message: expect.stringContaining(said) }],
    });
    expect(stderr).toContain(said);
  });

  it('writes an inventory and a playbook to start from, which are read without a mistake', async () => {
    const result = await run('init', 'new');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toBe(
      'Wrote new/inventory.yaml and new/james-fail2ban.yaml.\nPut your hosts and your own addresses (trusted) into new/inventory.yaml, then: harden check new/inventory.yaml\n',
    );
    const path = join(cwd, 'new/inventory.yaml');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    // read as a whole: only the choice of hosts is wrong
    const { code, stderr } = await run('check', path, '--limit', '!mail1,!mail2');
    expect(code).toBe(1);
    expect(stderr).toContain('--limit');
    expect(stderr).not.toContain('inventory.yaml:');
    expect(readFileSync(join(cwd, 'new/james-fail2ban.yaml'), 'utf8')).toBe(
      readFileSync(join(repository, 'playbooks/james-fail2ban.yaml'), 'utf8'),
    );
  });

  it('never writes over a file to start from, and then writes none', async () => {
    mkdirSync(join(cwd, 'half'));
    writeFileSync(join(cwd, 'half/james-fail2ban.yaml'), 'mine');
    expect(await run('init', 'half')).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('half/james-fail2ban.yaml'),
    });
    expect(readdirSync(join(cwd, 'half'))).toEqual(['james-fail2ban.yaml']);
    expect(readFileSync(join(cwd, 'half/james-fail2ban.yaml'), 'utf8')).toBe('mine');
  });

  it.each([
    ['where the kernel takes no folders', '/proc/x/y'],
    ['below a file', '/etc/passwd/x'],
  ])('says what keeps it from writing them: %s', async (_, folder) => {
    const { code, stdout, stderr } = await run('init', folder);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/cannot be made \(E[A-Z]+: .*\); name a folder that you can write to\n$/);
  });

  it.each([
    ['what is to be said is lost', 74, 'tasks'],
    ['a failure of its own comes first', 1, 'check none.yaml --json'],
  ])('on a full disk %s', async (_, code, args) => {
    const script = `node "${join(repository, 'dist/harden.cjs')}" ${args} >/dev/full; echo $? >&2`;
    const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'ignore', 'pipe'] });
    const said = await text(child.stderr);
    expect(said).toMatch(/^What harden prints could not be written \(ENOSPC: /m);
    expect(said).toMatch(new RegExp(`\n${code}\n$`));
    expect(said).not.toMatch(/bug|\bat .*\.[cjt]s/);
  });

  it('prints its version', async () => {
    expect(await run('--version')).toEqual({ code: 0, stdout: '0.1.0\n', stderr: '' });
  });

  it.each(['inventory', 'playbook'])('prints the schema of a%s for editors', async (kind) => {
    const { code, stdout } = await run('schema', kind);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ type: 'object', additionalProperties: false });
  });

  it('takes a reader that goes away for no failure', async () => {
    const script = `node "${join(repository, 'dist/harden.cjs')}" schema playbook | head -c 1; echo " \${PIPESTATUS[0]}"`;
    const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    expect(await Promise.all([text(child.stdout), text(child.stderr)])).toEqual(['{ 0\n', '']);
  });
});
