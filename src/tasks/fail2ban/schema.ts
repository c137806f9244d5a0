import { type Static, Type } from '@sinclair/typebox';
import { AbsolutePath } from '../common/params.ts';
import { checkTrusted, Trusted } from '../common/trusted.ts';
import { seconds } from './duration.ts';

/** iptables cuts chain names at 28 characters, and fail2ban's are `f2b-NAME`. */
export const JailName = (description: string) =>
  Type.String({ description, pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$', minLength: 1, maxLength: 24 });

const Duration = (description: string) =>
  Type.Union([Type.String({ minLength: 1, maxLength: 100 }), Type.Integer({ minimum: 1 })], {
    description: `${description}: 120m, 1h, 2h 30m, or seconds.`,
  });

export const jailSchema = Type.Object(
  {
    name: JailName("The jail's name."),
    file: Type.Optional(
      Type.String({
        pattern: '^/etc/fail2ban/(jail\\.local|jail\\.d/[A-Za-z0-9_][A-Za-z0-9_.-]*\\.(conf|local))$',
        description:
          "The file that holds the jail's section (default /etc/fail2ban/jail.d/NAME.conf). Everything else in it stays as it is.",
      }),
    ),
    enabled: Type.Optional(Type.Boolean({ description: 'Whether the jail runs (default true).' })),
    filter: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*(\\[[A-Za-z0-9_.,= "-]*\\])?$',
        maxLength: 200,
        description:
          "The filter, where it is not the jail's name. Options may follow: sshd[mode=aggressive].",
      }),
    ),
    logpath: Type.Optional(
      Type.String({
        pattern: '^/[\\x21-\\x7e]+$',
        maxLength: 4095,
        description: 'The log file it watches. It has to exist: otherwise fail2ban would not start at all.',
      }),
    ),
    james_home: Type.Optional(
      AbsolutePath(
        'Where the James is installed whose log it reads: with a proxy in front of its SMTP server (proxyRequired) the jail would ban the proxy, so it is blocked.',
      ),
    ),
    port: Type.Optional(
      Type.String({
        pattern: '^[a-z0-9-]+(:[0-9]+)?( ?, ?[a-z0-9-]+(:[0-9]+)?)*$',
        maxLength: 1000,
        description:
          'Ports or services, separated by commas, that a ban closes (default: what fail2ban ships).',
      }),
    ),
    backend: Type.Optional(
      Type.Union(
        ['auto', 'polling', 'pyinotify', 'systemd', 'gamin'].map((name) => Type.Literal(name)),
        { description: 'How fail2ban follows the log; systemd reads the journal instead of logpath.' },
      ),
    ),
    journalmatch: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_.=@:/+ -]+$',
        maxLength: 1000,
        description: 'Which entries of the journal it reads: _SYSTEMD_UNIT=ssh.service + _COMM=sshd.',
      }),
    ),
    bantime: Duration('How long an address is banned'),
    findtime: Duration('The time within which failures are counted'),
    maxretry: Type.Integer({ minimum: 1, description: 'The number of failures that leads to a ban.' }),
    trusted: Type.Optional(
      Trusted(
        "Addresses and networks that are never banned, beside loopback and what the host's own [DEFAULT] ignores.",
      ),
    ),
    override: Type.Optional(
      Type.Boolean({
        description:
          'Where another file overrides these values, set them again in /etc/fail2ban/jail.d/zz-harden.local (default false: the task is blocked and names file and line).',
      }),
    ),
  },
  { additionalProperties: false, title: 'fail2ban_jail' },
);

export type JailParams = Static<typeof jailSchema>;

/** A filter's name without its options. */
export const filterName = (filter: string): string => filter.replace(/\[.*$/, '').trim();

/** Whether the jail reads failed logins of sshd, from wherever the host writes them. */
export const readsSshd = ({ name, filter = name, logpath, journalmatch }: JailParams): boolean =>
  filterName(filter) === 'sshd' && logpath === undefined && journalmatch === undefined;

/** What the schema cannot say. */
export function checkJail(params: Partial<JailParams>): [(string | number)[], string][] {
  const problems: [(string | number)[], string][] = [];
  if (/^(DEFAULT|INCLUDES|KNOWN)$/i.test(params.name ?? '')) {
    problems.push([['name'], `${params.name} is not a jail, but a section with a meaning of its own`]);
  }
  for (const key of ['bantime', 'findtime'] as const) {
    const duration = params[key];
    if (duration !== undefined && !seconds(duration)) {
      problems.push([[key], `${duration} is not a duration such as 120m, 1h, 2h 30m or 7200`]);
    }
  }
  if (params.logpath && /[*?[\]<>;#\\]/.test(params.logpath)) {
    problems.push([
      ['logpath'],
      'fail2ban would not take it literally: name one file, without * ? [ ] < > ; # \\',
    ]);
  }
  if (params.logpath && params.backend === 'systemd') {
    problems.push([['backend'], 'with backend systemd fail2ban ignores logpath']);
  }
  return [...problems, ...checkTrusted(params.trusted, 'nobody would be banned')];
}
