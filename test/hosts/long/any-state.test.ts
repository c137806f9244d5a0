import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startHost, type TestHost } from '../host.ts';
import { rounds, seed } from '../long.ts';
import { jailsRun } from '../owed.ts';
import { record } from '../record.ts';
import { changed, type Snapshot, snapshotOf } from '../snapshot.ts';

/** Files that the shipped playbook manages, and the task that does. */
const MANAGED = {
  '/etc/fail2ban/filter.d/james.conf': 'fail2ban.filter',
  '/etc/fail2ban/jail.d/james.conf': 'fail2ban.james',
  '/etc/fail2ban/jail.d/defaults-debian.conf': 'fail2ban.sshd',
  '/etc/harden/limits.v4': 'firewall.limits',
  '/etc/harden/limits.v6': 'firewall.limits',
  '/etc/harden/load-limits': 'firewall.limits',
  '/etc/systemd/system/harden-limits.service': 'firewall.limits',
  '/opt/james/conf/log4j2.xml': 'james.log4j2',
  '/opt/james/log/james.log': 'james.log',
} as const;
type Path = keyof typeof MANAGED;
const PATHS = Object.keys(MANAGED) as Path[];

/** What stands at a path: what stands there on a hardened host, something made of that, or something else. */
type Content =
  | { readonly kind: 'hardened' | 'absent' | 'crlf' | 'folder' | 'nowhere' }
  | { readonly kind: 'cut' | 'twice'; readonly part: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'text'; readonly text: string };

interface State {
  readonly content: Content;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  /** A link to it stands there instead. */
  readonly linked: boolean;
}

/** Settings that somebody may have written into a file of fail2ban, and what only looks like some. */
const TEXTS = [
  '[james]\nenabled = false\nmaxretry = 99\n',
  '[sshd]\nenabled = true\nbantime = 1s\n; comment\n\n[other]\nenabled = false\n',
  '[DEFAULT]\nbantime = 5m\n',
  '[james]\n  maxretry\t:  7\nfilter = james\nlogpath = /opt/james/log/james.log\n',
  '# only a comment\n',
  '[Definition]\nfailregex = ^<HOST>$\n',
  'no section at all\n',
  '<Configuration><Appenders/><Loggers><Root level="info"/></Loggers></Configuration>\n',
  '<?xml version="1.0" encoding="UTF-8"?>\n<Configuration status="WARN">\n  <Appenders>\n    <Console name="C"/>\n  </Appenders>\n  <Loggers>\n    <Root level="WARN">\n      <AppenderRef ref="C"/>\n    </Root>\n  </Loggers>\n</Configuration>\n',
  '*filter\n:HARDEN - [0:0]\nCOMMIT\n',
  '#!/bin/sh\nexit 0\n',
  '[Unit]\nDescription=mine\n[Service]\nExecStart=/bin/true\n',
];

const content: fc.Arbitrary<Content> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('hardened', 'absent', 'crlf').map((kind) => ({ kind }) as const) },
  { weight: 1, arbitrary: fc.constantFrom('folder', 'nowhere').map((kind) => ({ kind }) as const) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('cut', 'twice'),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('bytes'), bytes: fc.uint8Array({ maxLength: 200 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('text'), text: fc.constantFrom(...TEXTS) }) },
);

const state: fc.Arbitrary<State> = fc.record({
  content,
  mode: fc.constantFrom('0644', '0644', '0600', '0400', '0000', '0666', '0755', '4755', '2640'),
  owner: fc.constantFrom('root', 'root', 'james', 'admin'),
  group: fc.constantFrom('root', 'root', 'james', 'nogroup'),
  linked: fc.boolean(),
});

/** Some files in any state; the others are as they should be. */
const states = fc.record(
  Object.fromEntries(
    PATHS.map((path) => [
      path,
      fc.oneof({ weight: 2, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: state }),
    ]),
  ),
);

/** Shell that brings a path into a state. */
function put(path: Path, at: State | null): string {
  const kept = `/root/kept${path}`;
  const linked = `/etc/linked${path}`;
  const file = at?.linked ? linked : path;
  const start = `mkdir -p "$(dirname ${path})" "$(dirname ${linked})"; rm -rf ${path} ${linked}`;
  if (!at) return `${start}; cp -a ${kept} ${path}`;
  const link = at.linked ? `ln -s ${file} ${path}` : ':';
  const attributes = `chown ${at.owner}:${at.group} ${file}; chmod ${at.mode} ${file}`;
  return [start, fill(at.content, kept, file, attributes), link].join('; ');
}

function fill(what: Content, kept: string, file: string, attributes: string): string {
  switch (what.kind) {
    case 'hardened':
      return `cp ${kept} ${file}; ${attributes}`;
    case 'absent':
      return ':';
    case 'crlf':
      return `sed 's/$/\\r/' ${kept} >${file}; ${attributes}`;
    case 'folder':
      return `mkdir ${file}`;
    case 'nowhere':
      return `ln -s /nowhere/at/all ${file}`;
    case 'cut':
      return `head -c $(( $(stat -c %s ${kept}) * ${Math.round(what.part * 1000)} / 1000 )) ${kept} >${file}; ${attributes}`;
    case 'twice':
      return `{ cat ${kept}; head -c $(( $(stat -c %s ${kept}) * ${Math.round(what.part * 1000)} / 1000 )) ${kept}; } >${file}; ${attributes}`;
    case 'bytes':
      return `echo '${Buffer.from(what.bytes).toString('base64')}' | base64 -d >${file}; ${attributes}`;
    case 'text':
      return `echo '${Buffer.from(what.text).toString('base64')}' | base64 -d >${file}; ${attributes}`;
  }
}

const HINDERED = /^(blocked|failed)$/;
/** What fail2ban reads: with one of these missing it takes over none. */
const OF_FAIL2BAN = /^(fail2ban\.|james\.log$)/;

let host: TestHost;
beforeAll(async () => {
  host = await startHost({ kind: 'hardened' });
  await host.must(
    PATHS.map((path) => `mkdir -p /root/kept$(dirname ${path}); cp -a ${path} /root/kept${path}`).join('; '),
  );
});
afterAll(() => host?.stop());

describe('whatever state the files of a host are in', () => {
  it(
    'apply makes it as declared, or says what stands in the way and leaves that alone; rollback brings back what it found',
    async () => {
      let converged = 0;
      let blocked = 0;
      let stranded = 0;
      await fc.assert(
        fc.asyncProperty(states, async (found) => {
          await host.must(
            `${PATHS.map((path) => put(path, found[path] ?? null)).join('\n')}\nsystemctl daemon-reload`,
          );
          const before = await snapshotOf(host);
          const first = await record('check', host.inventory());
          const applied = await record('apply', host.inventory());
          const after = await snapshotOf(host);
          const check = await record('check', host.inventory());
          expect(changed(after.state, (await snapshotOf(host)).state), check.text).toEqual([]);
          const hindered = Object.values(applied.tasks).filter(({ status }) => HINDERED.test(status));
          const known = Object.values(first.tasks).filter(({ status }) => HINDERED.test(status));
          expect(hindered.map(({ id }) => id)).toEqual(expect.arrayContaining(known.map(({ id }) => id)));
          if (hindered.length === 0) {
            expect(applied.exitCode, applied.text).toBe(0);
            expect(check.exitCode, `${applied.text}\n${check.text}`).toBe(0);
            converged += 1;
            const changedSome = Object.values(applied.tasks).some(({ status }) => status === 'changed');
            if (!changedSome) return;
            const rollback = await record('rollback', host.inventory());
            // the files that stood there before may be none that the unit of the limits starts with: that is told
            const ours = PATHS.filter((path) => MANAGED[path] === 'firewall.limits');
            const foreign = ours.some((path) => found[path] && found[path].content.kind !== 'hardened');
            if (foreign && rollback.exitCode !== 0) {
              expect(rollback.tasks.rollback?.reason, rollback.text).toContain(
                'harden-limits.service, which does not start with the files that stood there before',
              );
              stranded += 1;
            } else expect(rollback.exitCode, rollback.text).toBe(0);
            const files = (snapshot: Snapshot['state']) =>
              new Map([...snapshot].filter(([thing]) => /^(content|attributes|link) /.test(thing)));
            expect(
              changed(files(before.state), files((await snapshotOf(host)).state)),
              rollback.text,
            ).toEqual([]);
            // a jail whose files were others before is what those say
            const own = (...paths: Path[]) =>
              paths.every((path) => !found[path] || found[path].content.kind === 'hardened');
            await jailsRun(host, [
              ...(own('/etc/fail2ban/jail.d/defaults-debian.conf') ? ['sshd'] : []),
              ...(own(
                '/etc/fail2ban/jail.d/james.conf',
                '/etc/fail2ban/filter.d/james.conf',
                '/opt/james/log/james.log',
              )
                ? ['james']
                : []),
            ]);
            return;
          }
          blocked += 1;
          expect(applied.exitCode, applied.text).toBe(3);
          // fail2ban takes over all of its files, or none
          const together = hindered.some(({ id }) => OF_FAIL2BAN.test(id));
          const open = [applied, check].flatMap(({ tasks }) =>
            Object.values(tasks).filter(({ status }) => status !== 'ok' && status !== 'changed'),
          );
          const excused = (id: string) =>
            hindered.some((task) => task.id === id) || (together && OF_FAIL2BAN.test(id));
          expect(
            open.filter(({ id }) => !excused(id)).map(({ id, reason }) => `${id}: ${reason}`),
            `${applied.text}\n${check.text}`,
          ).toEqual([]);
          expect(check.exitCode, check.text).not.toBe(0);
          const settled = (jail: string) => !open.some(({ id }) => id === `fail2ban.${jail}`);
          await jailsRun(host, ['sshd', 'james'].filter(settled));
          const alone = PATHS.filter((path) => hindered.some(({ id }) => id === MANAGED[path]));
          const moved = changed(before.state, after.state).filter((thing) =>
            alone.some((path) => thing.endsWith(path)),
          );
          expect(moved, applied.text).toEqual([]);
        }),
        { seed: seed(), numRuns: rounds(3, 150), endOnFailure: true },
      );
      console.log(
        `${converged} converged (after ${stranded} rollbacks the limits could not start), ${blocked} blocked with a reason`,
      );
    },
    3 * 3600_000,
  );
});
