import { describe, expect, it } from 'vitest';
import { readJournal } from '../../src/engine/journal.ts';

const ID = 'aa11';
const base64 = (text: string) => `${Buffer.from(text).toString('base64')}=`;
const read = (lines: string[], steps = 2) =>
  readJournal(Buffer.from(lines.map((line) => `@@${ID} ${line}\n`).join('')), ID, steps);

describe('readJournal', () => {
  it.each([
    ['nothing yet', [], ['not-run', 'not-run']],
    ['in the middle of a step', ['step 0 start'], ['running', 'not-run']],
    ['one done', ['step 0 start', 'step 0 0 ='], ['done', 'not-run']],
    ['one failed', ['step 0 start', `step 0 2 ${base64('no space')}`], ['failed', 'not-run']],
    ['a step that no one knows', ['step 7 start'], ['not-run', 'not-run']],
  ])('%s', (_, lines, states) => {
    expect(read(lines).steps.map(({ state }) => state)).toEqual(states);
  });

  it('says what a failed step printed', () => {
    expect(read([`step 0 2 ${base64('no space')}`]).steps[0]).toEqual({
      state: 'failed',
      status: 2,
      output: 'no space',
    });
  });

  it.each([
    ['none', []],
    ['waiting', ['guard waiting 60']],
    ['confirmed', ['guard waiting 60', 'guard confirmed']],
    ['rolledback', ['guard waiting 60', 'guard rolledback', 'guard rolledback']],
  ])('the guard is %s', (guard, lines) => {
    expect(read(lines).guard).toBe(guard);
  });

  it('says how long guarded steps may take, as the host counts it', () => {
    expect(read(['limit 195', 'guard armed'])).toMatchObject({ guard: 'armed', limit: 195 });
    expect(read(['guard armed'])).not.toHaveProperty('limit');
  });

  it.each([
    ["[['sshd', 'own-2']]\n", ['sshd', 'own-2']],
    ["[['sshd']]\n", ['sshd']],
    ['[[]]\n', undefined],
    ["ERROR '\u001b[2J'\n", undefined],
  ])('of what fail2ban prints, %j, reads the jails', (printed, jails) => {
    expect(read([`banned ${base64(printed)}`]).bannedBy).toEqual(jails);
  });

  it('knows that nothing was begun', () => {
    expect(read(['absent'])).toMatchObject({ absent: true });
    expect(read(['step 0 start'])).not.toHaveProperty('absent');
  });

  it('knows a lock and a refusal', () => {
    expect(read(['guard waiting 60'])).not.toHaveProperty('refused');
    expect(read([`locked ${base64('ann@desk, since noon')}`]).locked).toBe('ann@desk, since noon');
    expect(read([`refused ${base64('no bus')}`]).refused).toBe('no bus');
  });
});
