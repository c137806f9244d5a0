import { describe, expect, it } from 'vitest';
import { exitCode, type HostResult, type HostStatus } from '../../src/report/result.ts';

const hosts = (...statuses: HostStatus[]) => statuses.map((status) => ({ status }) as HostResult);

describe('exitCode', () => {
  it.each<[HostStatus[], number]>([
    [[], 0],
    [['ok'], 0],
    [['ok', 'drift'], 2],
    [['changed', 'ok'], 0],
    [['drift', 'unreachable'], 3],
    [['locked', 'drift'], 75],
    [['locked', 'rolled-back'], 4],
    [['rolled-back', 'failed'], 3],
  ])('%j is %i', (statuses, code) => {
    expect(exitCode(hosts(...statuses))).toBe(code);
  });

  it('says what was changed only when asked', () => {
    expect(exitCode(hosts('changed'), { detailed: true })).toBe(2);
  });

  it('lets an interruption win', () => {
    expect(exitCode(hosts('failed'), { interrupted: true })).toBe(130);
  });
});
