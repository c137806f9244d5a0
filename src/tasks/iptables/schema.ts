import { type Static, Type } from '@sinclair/typebox';
import { AbsolutePath } from '../common/params.ts';
import { checkTrusted, Trusted } from '../common/trusted.ts';
import { followsSshd, listName, tooFewSessions } from './chain.ts';
import { CHAIN_NAME } from './loader.ts';

const ListName = (description: string) =>
  Type.String({ pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$', maxLength: 190, description });

const Row = Type.Object(
  {
    name: ListName('The list that sources are recorded in (/proc/net/xt_recent/NAME).'),
    name6: Type.Optional(ListName('The list of IPv6 sources (default: name and a 6).')),
    protocol: Type.Union([Type.Literal('icmp'), Type.Literal('tcp'), Type.Literal('udp')], {
      description: 'icmp counts echo requests, of both families; tcp and udp count new connections.',
    }),
    ports: Type.Optional(
      Type.Union(
        [
          Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), {
            minItems: 1,
            maxItems: 15,
            uniqueItems: true,
          }),
          Type.Literal('ssh'),
        ],
        {
          description:
            'Destination ports, 15 at most; "ssh" means those the host\'s own sshd listens on, which is also the default of a tcp row with SSH in its name.',
        },
      ),
    ),
    seconds: Type.Integer({ minimum: 1, maximum: 86400, description: 'Over how many seconds is counted.' }),
    hitcount: Type.Integer({
      minimum: 2,
      maximum: 255,
      description:
        'The packet with this number within the seconds is dropped, and every dropped one starts the time anew. At least 4 on an SSH port.',
    }),
  },
  { additionalProperties: false },
);

/** What a playbook says of the limits. */
/** The chain, if the task names no other. */
export const CHAIN = 'HARDEN';

export const schema = Type.Object(
  {
    chain: Type.Optional(
      Type.String({
        pattern: CHAIN_NAME,
        default: CHAIN,
        description: 'The chain that holds all rules (default HARDEN).',
      }),
    ),
    trusted: Type.Optional(Trusted('Addresses and networks, IPv4 or IPv6, that are never counted.')),
    ipv6: Type.Optional(
      Type.Boolean({
        default: true,
        description: 'Limit IPv6 sources too, where the host has IPv6 (default true).',
      }),
    ),
    james_home: Type.Optional(
      AbsolutePath(
        'Where the James is installed whose ports are limited: on a port that it serves behind a proxy (proxyRequired) a limit would count the proxy, so that is blocked.',
      ),
    ),
    replace_published_rules: Type.Optional(
      Type.Boolean({
        description:
          'Take away the pairs that the published guide has people put into INPUT by hand, where these limits stand for them (default false: they block the task, since with both every connection counts twice).',
      }),
    ),
    limits: Type.Array(Row, {
      minItems: 1,
      maxItems: 100,
      description: 'The limits, in the order in which they are checked.',
    }),
  },
  { additionalProperties: false, title: 'iptables_recent' },
);

export type Params = Static<typeof schema>;

const RESERVED =
  /^(INPUT|OUTPUT|FORWARD|PREROUTING|POSTROUTING|ACCEPT|DROP|REJECT|RETURN|QUEUE|NFQUEUE|LOG|f2b-.*)$/;

/** What the schema cannot say. */
export function check({
  chain = CHAIN,
  trusted = [],
  limits = [],
}: Partial<Params>): [(string | number)[], string][] {
  const problems: [(string | number)[], string][] = [];
  if (RESERVED.test(chain))
    problems.push([['chain'], `${chain} is a name that iptables or fail2ban uses itself`]);
  problems.push(...checkTrusted(trusted, 'nothing would be limited'));
  const taken = new Map<string, number>();
  limits.forEach((limit, index) => {
    const { protocol, ports } = limit;
    if (protocol === 'icmp' && ports !== undefined)
      problems.push([['limits', index, 'ports'], 'icmp has no ports']);
    if (protocol === 'udp' && ports === 'ssh') problems.push([['limits', index, 'ports'], 'ssh is tcp']);
    if (protocol !== 'icmp' && ports === undefined && !followsSshd(limit)) {
      problems.push([['limits', index], `a ${protocol} limit needs ports`]);
    }
    if (tooFewSessions(limit, [22])) {
      problems.push([['limits', index, 'hitcount'], tooFewSessions(limit, [22])!]);
    }
    for (const family of ['ipv4', 'ipv6'] as const) {
      const name = listName(limit, family);
      const other = taken.get(name);
      if (other !== undefined) {
        problems.push([
          ['limits', index, family === 'ipv6' && limit.name6 ? 'name6' : 'name'],
          `the list ${name} is used by limits[${other}] already: both would count into it`,
        ]);
      }
      taken.set(name, index);
    }
  });
  return problems;
}
