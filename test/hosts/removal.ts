import { expect } from 'vitest';
import type { TestHost } from './host.ts';
import { record, statuses } from './record.ts';
import { changed, type Lasting, lastingState } from './snapshot.ts';

export const ABSENT = { args: ['--var', 'state=absent'] };

export async function applyPlaybook(host: TestHost): Promise<void> {
  const result = await record('apply', host.inventory());
  expect(result.exitCode, result.text).toBe(0);
}

/** With everything taken away the host is as it was before the first apply. */
export async function expectTakenAway(host: TestHost, fresh: Lasting): Promise<void> {
  const planned = await record('check', host.inventory(), ABSENT);
  expect(planned.exitCode, planned.text).toBe(2);
  const result = await record('apply', host.inventory(), ABSENT);
  expect(result.exitCode, result.text).toBe(0);
  const after = await lastingState(host);
  expect(after.listing).toBe(fresh.listing);
  expect(changed(fresh.snapshot.state, after.snapshot.state)).toEqual([]);
  expect(await host.must('iptables-save; ip6tables-save; nft list ruleset 2>/dev/null || :')).not.toMatch(
    /HARDEN|DDOS|f2b/,
  );
  const last = await record('check', host.inventory(), ABSENT);
  expect(last.exitCode, last.text).toBe(0);
  expect(new Set(Object.values(statuses(last)))).toEqual(new Set(['ok']));
}
