import type { Facts } from '../../probes/facts.ts';
import type { FirewallState } from '../../probes/firewall.ts';
import type { ModuleState } from '../../probes/kernel-module.ts';
import type { Observed } from '../../probes/probe.ts';
import { contains, parseNetwork } from '../../tasks/common/network.ts';
import type { Task } from '../../tasks/task.ts';
import { printable } from '../../text/harmless.ts';
import { type Finding, judged, ok, together, trouble, warning } from './finding.ts';

/** Back end, whether it can be read, whether the other one filters too, and whether the kernel has the match `recent`. */
export const iptables = (seen: Observed<FirewallState>, recent: Observed<ModuleState>): Finding =>
  judged(seen, {
    absent: () => together([match(recent)], ok('not installed yet')),
    present: (state) => {
      const other = state.backend === 'nft' ? 'legacy' : 'nft';
      const families = (['ipv4', 'ipv6'] as const).flatMap((family) => {
        const tables = state[family];
        return [
          tables.active.state === 'unreadable'
            ? trouble(
                `its ${family} rules cannot be shown: ${printable(tables.active.why)}`,
                `Run ${family === 'ipv4' ? 'iptables-save' : 'ip6tables-save'} there; rules that nft itself made have to be taken away with nft.`,
              )
            : ok(''),
          mixed(family, tables.other, other),
        ];
      });
      return together([...families, match(recent)], ok(`${state.version}, back end ${state.backend}`));
    },
  });

function mixed(family: string, seen: FirewallState['ipv4']['other'], backend: string): Finding {
  if (seen.state === 'unreadable')
    return warning(
      `the ${family} rules of its ${backend} back end cannot be shown: ${printable(seen.why)}`,
      `Look at them with iptables-${backend}-save: they filter too.`,
    );
  const rules = seen.state === 'present' ? [...seen.value.chains.values()].flat().length : 0;
  if (rules === 0) return ok('');
  return warning(
    `${rules} ${family} rules stand in its ${backend} back end, which filters too`,
    `Look at them with ${family === 'ipv4' ? 'iptables' : 'ip6tables'}-${backend}-save and move them to the back end in use (update-alternatives --display iptables).`,
  );
}

const match = (seen: Observed<ModuleState>): Finding =>
  judged(seen, {
    present: (state) => {
      if (state === 'loaded' || state === 'available') return ok('');
      if (state === 'missing')
        return trouble(
          'the kernel has no xt_recent, which connection limits need',
          "Install the full modules of the running kernel (Ubuntu's cloud kernels have them in linux-modules-extra).",
        );
      return warning(
        "the running kernel's modules are not on the host, so xt_recent cannot be loaded",
        'After an upgrade of the kernel restart the host; in a container load xt_recent outside.',
      );
    },
  });

/** The limits of the playbook, and whether they spare whoever runs this. */
export function trusted(tasks: readonly Task[], seen: Observed<Facts>): Finding {
  const limiting = tasks.filter(
    ({ type, params }) => type.type === 'iptables_recent' && params.state !== 'absent',
  );
  if (limiting.length === 0) return ok('the playbook limits no connections');
  return judged(seen, {
    present: ({ operator }) => {
      if (operator === '') return ok('this machine itself is not limited');
      const address = parseNetwork(operator.replace(/%.*$/, ''));
      const spared = limiting.every(({ params }) =>
        ((params.trusted ?? []) as readonly string[]).some((text) => {
          const network = parseNetwork(text);
          return network !== undefined && address !== undefined && contains(network, address);
        }),
      );
      if (spared) return ok(`your address, ${operator} to the host, is trusted`);
      return warning(
        `your address, ${operator} to the host, is not in trusted: your logins count against the limit, and failed ones can get you banned`,
        'If it is always yours, put it into trusted in the inventory.',
      );
    },
  });
}
