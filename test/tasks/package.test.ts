import { describe, expect, it } from 'vitest';
import type { PackageState } from '../../src/probes/packages.ts';
import { absent, type Observed, present, unreadable } from '../../src/probes/probe.ts';
import { packageTask } from '../../src/tasks/package.ts';
import { context } from './context.ts';

const installed = present<PackageState>({ status: 'installed', version: '1.0' });

describe('package', () => {
  it.each<[string, Observed<PackageState>[], object]>([
    ['all there', [installed, installed], { verdict: 'ok', reason: 'a 1.0 and b 1.0 installed' }],
    [
      'one missing',
      [installed, absent],
      {
        verdict: 'change',
        reason: 'b is not installed',
        changes: [{ kind: 'install-packages', names: ['b'] }],
      },
    ],
    [
      'one unpacked, not configured',
      [present({ status: 'unpacked', version: '1' }), installed],
      { verdict: 'change', reason: 'a is unpacked', changes: [{ kind: 'install-packages', names: ['a'] }] },
    ],
    [
      'one unreadable',
      [unreadable('no dpkg'), installed],
      { verdict: 'failed', reason: 'a could not be looked at: no dpkg' },
    ],
  ])('%s', (_, packages, verdict) => {
    expect(packageTask.plan({ name: ['a', 'b'] }, { packages }, context())).toEqual(verdict);
  });

  it('owns every package it names', () => {
    expect(packageTask.owns({ name: ['a', 'b'] })).toEqual(['package:a', 'package:b']);
  });
});
