import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { followScript } from '../../src/engine/follow-scripts.ts';
import { newRunId, waveId } from '../../src/engine/job.ts';
import { readJournal } from '../../src/engine/journal.ts';
import { RUNS } from '../../src/shell/records.ts';
import { Commands } from '../tasks/iptables/commands.ts';

const id = waveId(newRunId(), 0);
let commands: Commands;
let runs = '';
let run = '';
beforeEach(() => {
  commands = new Commands();
  runs = join(mkdtempSync(join(tmpdir(), 'harden-runs-')), 'runs');
  run = join(runs, id);
  atWork(undefined);
  return () => {
    commands.remove();
    rmSync(join(runs, '..'), { recursive: true });
  };
});

/** What systemd says of the job: the process that it is, if it is at work. */
const atWork = (pid: number | undefined) =>
  commands.set(
    'systemctl',
    `case $* in *MainPID*) echo ${pid ?? 0} ;; *) [ -e ${pid === undefined ? '/nonexistent' : `/proc/${pid}`} ] && echo active || echo inactive ;; esac`,
  );

const put = (name: string, content = '') => writeFileSync(join(run, name), content);
const frame = (words: string) => `@@${id} ${words}\n`;
const base64 = (words: string) => `${Buffer.from(words).toString('base64')}=`;
/** A run whose job was laid down, the latest one. */
function laidDown(journal = ''): void {
  mkdirSync(run, { recursive: true });
  symlinkSync(run, join(runs, 'current'));
  put('journal', journal);
}

/** Follows as the tool does, in a shell that finds those commands and with the runs in a folder of the test's. */
function following() {
  const child = spawn('dash', ['-s'], { env: { PATH: `${commands.directory}:/usr/bin:/bin` } });
  child.stdin.on('error', () => {});
  child.stdin.write(
    followScript(id)
      .replaceAll(RUNS, runs)
      .replace(/^export .*PATH=.*$/m, ''),
  );
  // a shell reads ahead, so the tool does not speak first
  const spoken = once(child.stdout, 'data');
  return {
    says: text(child.stdout).then((said) => readJournal(Buffer.from(said), id, 1)),
    ask: async (words: string) => {
      await spoken;
      child.stdin.end(words);
    },
  };
}

/** A job that ends once it is asked to. */
function job() {
  const child = spawn('dash', ['-c', `until [ -e ${run}/stop ]; do sleep 0.02; done`]);
  atWork(child.pid);
  return child;
}

describe('a run that is followed', () => {
  it('is over: its journal, what became of the guard, and what could not be undone', async () => {
    laidDown(frame('step 0 start') + frame('step 0 0 =') + frame('guard waiting 60'));
    put('rolledback');
    put('undone');
    put('banned', "[['sshd']]");
    put('trouble', 'sshd.service\n');
    expect(await following().says).toMatchObject({
      steps: [{ state: 'done' }],
      guard: 'rolledback',
      bannedBy: ['sshd'],
      trouble: 'sshd.service',
    });
  });

  it('whose undoing was cut off says so', async () => {
    laidDown(frame('guard armed'));
    put('rolledback');
    expect((await following().says).trouble).toContain('harden apply finishes it');
  });

  it('is at work: to its end, which it is asked for over the same channel', async () => {
    laidDown(frame('step 0 start'));
    const working = job();
    const { says, ask } = following();
    await ask('stop\n');
    await says;
    expect(existsSync(join(run, 'stop'))).toBe(true);
    expect(working.exitCode).toBe(0);
  });

  it.each([
    ['the connection goes', ''],
    ['another word comes', 'stopp\n'],
    ['half a word comes', 'stop'],
  ])('is not asked to end where %s', async (_name, words) => {
    laidDown(frame('step 0 start'));
    const working = job();
    const { says, ask } = following();
    await ask(words);
    await sleep(300);
    expect([existsSync(join(run, 'stop')), working.exitCode]).toEqual([false, null]);
    put('stop');
    await says;
  });

  it('comes to an end while nobody says a word', async () => {
    laidDown(frame('guard confirmed'));
    expect((await following().says).guard).toBe('confirmed');
  });

  it('that was never laid down never will be', async () => {
    expect((await following().says).absent).toBe(true);
    expect(readdirSync(runs)).toEqual([id]);
  });

  it('that is just being laid down is waited for', async () => {
    mkdirSync(run, { recursive: true });
    const { says } = following();
    await sleep(2500);
    symlinkSync(run, join(runs, 'current'));
    put('journal', frame('step 0 start') + frame(`refused ${base64('why')}`));
    expect(await says).toMatchObject({ steps: [{ state: 'running' }], refused: 'why' });
  });
});
