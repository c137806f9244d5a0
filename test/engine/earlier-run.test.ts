import { expect, it } from 'vitest';
import { isDone } from '../../src/engine/earlier-run.ts';
import { parseWave, type Wave, type WavePlan } from '../../src/probes/history.ts';

const CUT = 'a'.repeat(24);
const OTHER = 'b'.repeat(24);
const wave = (id: string, plan: WavePlan): Wave => ({ ...parseWave([id, '0']), plan });
const tasks = (...ids: string[]): WavePlan => ({
  tasks: ids.map((id) => ({ id, reason: '', changes: [] })),
});

it.each<[string, readonly Wave[], boolean]>([
  ['was to do what is as wanted', [wave(`${CUT}00`, tasks('a', 'b'))], true],
  [
    'came after one that was to do more',
    [wave(`${OTHER}00`, tasks('z')), wave(`${CUT}00`, tasks('a'))],
    true,
  ],
  ['was to do more', [wave(`${CUT}00`, tasks('a', 'z'))], false],
  ['was to do more in an earlier wave', [wave(`${CUT}00`, tasks('z')), wave(`${CUT}01`, tasks('a'))], false],
  // an older version noted no tasks
  ['nobody knows of', [wave(`${CUT}00`, {})], false],
  ['the host has forgotten', [wave(`${OTHER}00`, tasks('a'))], false],
])('whether anything is left of a run that %s', (_, history, done) =>
  expect(isDone(`${CUT}01`, history, ['a', 'b', 'c'])).toBe(done),
);
