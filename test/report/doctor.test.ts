import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diagnose } from '../../src/engine/doctor/diagnose.ts';
import { statusOf, tasksOf } from '../../src/engine/doctor/outcome.ts';
import type { Journey } from '../../src/engine/doctor/way.ts';
import { type Observed, present } from '../../src/probes/probe.ts';
import { doctorReport } from '../../src/report/doctor.ts';
import { exitCode, type HostResult, type RunResult, summarize } from '../../src/report/result.ts';
import { painter } from '../../src/report/terminal.ts';
import type { Reached } from '../../src/transport/transport.ts';
import { examination, limits, NOW, SPACE } from '../engine/doctor/host.ts';

const options = {
  paint: painter({ off: true, env: {}, isTerminal: false }),
  diff: false,
  quiet: false,
  verbose: false,
  given: { inventory: 'inventory.yaml', choices: [], variables: [] },
};

const reached = (...milestones: Reached['milestone'][]): Reached[] =>
  milestones.map((milestone) => ({ milestone, address: '203.0.113.10', port: 22, user: 'admin' }));

function host(name: string, error?: Journey['error'], ...seen: Parameters<typeof examination>): HostResult {
  const journey = {
    target: { connection: 'ssh', become: true },
    reached: error
      ? reached('planned', 'connected')
      : reached('planned', 'connected', 'trusted', 'logged-in'),
    answered: !error,
    ...(error ? { error } : {}),
  } as const;
  const diagnosis = diagnose(journey, error ? undefined : examination(...seen));
  return {
    name,
    address: '203.0.113.10',
    status: statusOf(diagnosis, !error),
    roundTrips: error ? 0 : 1,
    connections: 1,
    durationMs: 412,
    tasks: tasksOf(diagnosis),
  };
}

const result = (...hosts: HostResult[]): RunResult => ({
  format: 'harden.result/1',
  version: '1.2.3',
  command: 'doctor',
  exitCode: exitCode(hosts),
  summary: summarize(hosts),
  hosts,
});

const troubles: Readonly<Record<string, Observed<unknown>>> = {
  clock: present(NOW - 3 * 86400),
  'space /var': present({ ...SPACE, mount: '/var', free: 2 * 1024 ** 2 }),
};
const unknownKey = {
  reason: 'host-key-unknown',
  message: 'The key of mail2 (203.0.113.10:22) is not known: compare it, then pin it.',
} as const;

const results: Readonly<Record<string, RunResult>> = {
  'doctor-ready': result(host('mail1', undefined, {}, [limits([])])),
  'doctor-in-the-way': result(
    host('mail1', undefined, troubles),
    host('mail2'),
    host('mail3', undefined, {}, [limits([])]),
  ),
  'doctor-unreachable': result(host('mail2', unknownKey)),
  'doctor-hostile': result(
    host('mail1', undefined, {
      'apt-locks': present([{ pid: 7, command: 'x\u001b[2J\r\n\u202e', locks: ['/a'] }]),
    }),
  ),
};
const golden = (name: string, code: number) => join(import.meta.dirname, 'golden', `${name}.${code}.txt`);

/** Each golden file has the exit code in its name: `npx vitest -u` writes them anew. */
describe('report of the doctor', () => {
  it.each(Object.entries(results))('%s', async (name, one) => {
    await expect(doctorReport(one, options)).toMatchFileSnapshot(golden(name, one.exitCode));
  });

  it('says totals only when asked to be quiet', async () => {
    const one = results['doctor-in-the-way']!;
    await expect(doctorReport(one, { ...options, quiet: true })).toMatchFileSnapshot(
      golden('doctor-quiet', one.exitCode),
    );
  });

  it('shows every check of every host when asked to', () => {
    const one = results['doctor-in-the-way']!;
    const lines = doctorReport(one, { ...options, verbose: true }).split('\n');
    expect(lines.filter((line) => /^ {2}[=!x-] /.test(line))).toHaveLength(3 * one.hosts[0]!.tasks.length);
  });

  it('lets nothing from a host steer the terminal', () => {
    expect(doctorReport(results['doctor-hostile']!, options)).not.toMatch(/[\u001b\r\u202e]/);
  });
});
