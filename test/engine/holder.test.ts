import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { isAbandoned, thisHolder } from '../../src/engine/holder.ts';

describe('the mark of a run', () => {
  const { mark, who } = thisHolder();
  const machine = mark.replace(/\/\d+$/, '');

  it('is one word, beside words for people', () => {
    expect(mark).not.toMatch(/\s/);
    expect(who).toMatch(/^\S+@\S+, since \d{4}-/);
  });

  it('is abandoned once its program has ended, and only on the machine that knows', () => {
    const { pid } = spawnSync('true');
    expect(isAbandoned(mark)).toBe(false);
    expect(isAbandoned(`${machine}/1`)).toBe(false);
    expect(isAbandoned(`${machine}/${pid}`)).toBe(true);
    expect(isAbandoned(`elsewhere/${pid}`)).toBe(false);
  });

  it.each(['', 'x', `${machine}/`, `${machine}/1;reboot`])('that says nothing (%j) is nobody’s', (text) =>
    expect(isAbandoned(text)).toBe(false),
  );
});
