import { expect } from 'vitest';
import { timed } from '../waits.ts';
import type { TestHost } from './host.ts';
import type { Record } from './record.ts';
import { changed, type Snapshot, snapshotOf } from './snapshot.ts';

type Things = Snapshot['state'];

/** Names of the container, which differ from host to host; and who is banned, which no task owes. */
const NOBODY_OWES = /^(\S+ \/etc\/(hosts|hostname|resolv\.conf)|bans|banned)$/;

/** What has to be as wanted, once that can be said: services that start at boot need a moment. */
export async function stateOf(host: TestHost, jails: readonly string[]): Promise<Things> {
  await jailsRun(host, jails);
  const { state } = await snapshotOf(host);
  return new Map([...state].filter(([thing]) => !NOBODY_OWES.test(thing)));
}

/** Fails unless all of them run, or do so within 20 seconds. */
export async function jailsRun(host: TestHost, jails: readonly string[]): Promise<void> {
  await timed('fail2ban', () => untilJailsRun(host, jails));
}

async function untilJailsRun(host: TestHost, jails: readonly string[]): Promise<void> {
  const script = `for i in $(seq 100); do
      now=" $(/usr/bin/fail2ban-client status 2>/dev/null | sed -n 's/.*Jail list:[[:space:]]*//p' | tr -d ',') " missing=
      for jail in ${jails.join(' ')}; do case $now in *" $jail "*) ;; *) missing="$missing $jail" ;; esac; done
      [ -n "$missing" ] || exit 0
      sleep 0.2
    done
    echo "lost:$missing"; journalctl -q -o cat -u fail2ban | tail -n 5; exit 1`;
  const { code, stdout } = await host.exec(script);
  expect(code, stdout).toBe(0);
}

const TASKS: readonly (readonly [RegExp, string])[] = [
  [/^(rules|unit harden-limits|\S+ \/etc\/harden\b)/, 'firewall.limits'],
  [/ \/etc\/systemd\/system\/(\S+\/)?harden-limits\.service/, 'firewall.limits'],
  [/ \/opt\/james\/conf\/log4j2\.xml/, 'james.log4j2'],
  [/ \/opt\/james\/log\/james\.log/, 'james.log'],
  [/ \/etc\/fail2ban\/filter\.d\/james\.conf/, 'fail2ban.filter'],
  [/ \/etc\/fail2ban\/jail\.d\/james\.conf|^jail james/, 'fail2ban.james'],
  [/ \/etc\/fail2ban\/jail\.d\/defaults-debian\.conf|^jail sshd/, 'fail2ban.sshd'],
  [/^unit fail2ban/, 'fail2ban.running'],
];

/** The task that owes a thing of a host. */
const taskOf = (thing: string): string => TASKS.find(([words]) => words.test(thing))?.[1] ?? thing;

/** A host on its way from one state to another is nowhere else: everything is as before, or as wanted. */
export function isOldOrNew(now: Things, old: Things, wanted: Things): void {
  // a unit whose file is there already may be neither enabled nor started yet
  const neither = changed(old, now).filter(
    (thing) => now.get(thing) !== wanted.get(thing) && !thing.startsWith('unit '),
  );
  // a file is replaced with its content and its attributes at once
  const mixed = changed(old, wanted)
    .filter((thing) => thing.startsWith('content '))
    .map((content) => [content, content.replace('content', 'attributes')])
    .filter((pair) => ![old, wanted].some((state) => pair.every((one) => now.get(one) === state.get(one))));
  expect({ neither: neither.map((thing) => `${thing}: ${now.get(thing)}`), mixed }).toEqual({
    neither: [],
    mixed: [],
  });
}

/** `check` says of exactly those tasks that they are not as wanted of which that is true. */
export function saysWhatIsOwed(check: Record, now: Things, wanted: Things): void {
  const owed = new Set(changed(wanted, now).map(taskOf));
  expect(check.exitCode, check.text).toBe(owed.size === 0 ? 0 : 2);
  const named = Object.values(check.tasks).filter(({ status }) => status !== 'ok');
  expect(
    named
      .map(({ id }) => id)
      .filter((id) => owed.has(id))
      .sort(),
    check.text,
  ).toEqual([...owed].sort());
  // what waits for one of them cannot be known
  const others = named.filter(({ id, status }) => !owed.has(id) && status !== 'unknown');
  expect(others, check.text).toEqual([]);
}
