import { describe, expect, it } from 'vitest';
import { unitProbe } from '../../src/probes/systemd.ts';

const block = (over: Record<string, string>) =>
  Object.entries({
    Id: 'x.service',
    LoadState: 'loaded',
    ActiveState: 'active',
    UnitFileState: 'enabled',
    NeedDaemonReload: 'no',
    StateChangeTimestamp: 'Tue 2023-11-14 22:13:20.250000 UTC',
    DropInPaths: '',
    WantedBy: 'multi-user.target graphical.target',
    ...over,
  })
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');

describe('unit probe', () => {
  it('reads blocks in the order asked for, aliases too', () => {
    const output = Buffer.from(`${block({ Id: 'ssh.service' })}\n\n${block({ LoadState: 'not-found' })}\n`);
    const seen = unitProbe.parse(output, ['sshd', 'ufw']);
    expect(seen.get('sshd.service')).toEqual({
      state: 'present',
      value: {
        activeState: 'active',
        unitFileState: 'enabled',
        needDaemonReload: false,
        dropIns: [],
        wantedBy: ['multi-user.target', 'graphical.target'],
        stateChange: 1_700_000_000.25,
      },
    });
    expect(seen.get('ufw.service')).toEqual({ state: 'absent' });
  });

  it('tells a mask with a unit behind it from one without', () => {
    const masked = block({ LoadState: 'masked', UnitFileState: 'masked' });
    const output = Buffer.from(`${[masked, masked, block({})].join('\n\n')}\n\nBehind=b.service `);
    const seen = unitProbe.parse(output, ['a', 'b', 'c']);
    expect([...seen.values()].map((one) => one.state === 'present' && one.value.hollow)).toEqual([
      true,
      undefined,
      undefined,
    ]);
  });

  it.each<[object, object]>([
    [{ Type: 'oneshot', RemainAfterExit: 'no' }, { ends: true }],
    [{ Type: 'oneshot', RemainAfterExit: 'yes' }, { ends: undefined }],
    [{ Type: 'simple', RemainAfterExit: 'no' }, { ends: undefined }],
    [{ ConditionResult: 'no', ConditionTimestamp: 'Tue 2023-11-14 22:13:20 UTC' }, { skipped: true }],
    [{ ConditionResult: 'yes', ConditionTimestamp: 'Tue 2023-11-14 22:13:20 UTC' }, { skipped: undefined }],
    // never looked at
    [{ ConditionResult: 'no', ConditionTimestamp: '' }, { skipped: undefined }],
    [{ ConditionResult: 'no', ConditionTimestamp: 'n/a' }, { skipped: undefined }],
  ])('reads %j as %j', (over, { ends, skipped }: { ends?: true; skipped?: true }) => {
    const seen = unitProbe.parse(Buffer.from(block({ ...over })), ['x']).get('x.service');
    if (seen?.state !== 'present') throw new Error('no unit was seen');
    expect([seen.value.ends, seen.value.skipped]).toEqual([ends, skipped]);
  });

  it('does not make up a unit that systemctl said nothing of', () => {
    expect(() => unitProbe.parse(Buffer.from(block({})), ['a', 'b'])).toThrow('fewer units');
  });

  it('asks for all units at once, by full name', () => {
    expect(unitProbe.script(['a', 'b.timer']).text).toMatch(
      /show --timestamp=us -- 'a\.service' 'b\.timer' /,
    );
  });

  it.each([
    ['Tue 2023-11-14 22:13:20.000001 UTC', 1_700_000_000.000001],
    // whole seconds: the unit had its last change before they were over
    ['Tue 2023-11-14 22:13:20 UTC', 1_700_000_000.999999],
    ['', 0],
    ['n/a', 0],
  ])('reads the time %j', (StateChangeTimestamp, stateChange) =>
    expect(
      unitProbe.parse(Buffer.from(block({ StateChangeTimestamp })), ['x']).get('x.service'),
    ).toMatchObject({
      value: { stateChange },
    }),
  );
});
