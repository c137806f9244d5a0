import { isIP } from 'node:net';
import { feed } from '../../shell/frame.ts';
import { raw, type Sh, sh } from '../../shell/quote.ts';
import type { LoadRules, RemoveRules } from '../../tasks/change.ts';
import { leaveOther, loadChain, removal } from '../../tasks/iptables/loader.ts';

const COMMAND = { ipv4: raw('iptables'), ipv6: raw('ip6tables') } as const;

/**
 * Loads the batch and looks whether the kernel holds it. Runs under `set -e` beside the step library. A batch that the
 * kernel refuses leaves everything as it was.
 */
export function loadRules(change: LoadRules): Sh {
  const { chain, family } = change;
  const command = COMMAND[family];
  const rules = change.batch.split('\n').filter((line) => line.startsWith(`-A ${chain} `)).length;
  return sh`${replacing(change)}
load_batch() {
${feed(sh`with_replaced | ${command}-restore --noflush -w 10`, Buffer.from(change.batch))}
}
try=0 code=4
# 4 is a lock that somebody else holds, or a table that changed at that instant
while [ "$code" -eq 4 ] && [ "$try" -lt 3 ]; do
  [ "$try" -eq 0 ] || sleep 1
  try=$((try + 1)) code=0
  load_batch || code=$?
done
[ "$code" -eq 0 ] || fail ${`the ${family} limits were not loaded (${command}-restore said why above): nothing of them is in force; if somebody changed INPUT meanwhile, run harden again`}
[ "$(${command} -w 10 -S ${chain} | grep -c ${`^-A ${chain.replaceAll('.', '\\.')} `})" -eq ${rules} ] ||
  fail ${`${chain} does not hold the ${rules} rules that were loaded into ${command}: something else writes to that chain`}
[ "$(${command} -w 10 -S INPUT | sed 's/ *$//' | grep -cxF -e ${`-A INPUT -j ${chain}`})" -eq 1 ] ||
  fail ${`INPUT does not jump to ${chain} exactly once after ${command} was loaded: something else writes to INPUT`}`;
}

/**
 * `with_replaced` puts the rules that go at the head of a batch, by their places at that moment, the last first: the text
 * that `iptables-save` prints of a `recent` rule does not always find it again (the mask of one added without any).
 */
function replacing({ family, replaces }: LoadRules): Sh {
  if (replaces.length === 0) return raw('with_replaced() { cat; }');
  const command = COMMAND[family];
  const rules = [...new Set(replaces)].map((spec) => `-A INPUT ${spec}`).join('\n');
  return sh`with_replaced() {
  gone=$(${command} -w 10 -S INPUT | sed -n 's/ *$//; /^-A /p' | grep -nxF -e ${rules} | sort -rn | sed 's/:.*//; s/^/-D INPUT /')
  IFS= read -r table; IFS= read -r chain
  printf '%s\n' "$table" "$chain" "$gone"
  cat
}
[ "$(${command} -w 10 -S INPUT | sed 's/ *$//' | grep -cxF -e ${rules})" -eq ${replaces.length} ] ||
  fail ${`the rules made by hand in INPUT (${family}) are not the ones that the plan saw; run harden again`}`;
}

/**
 * Brings back the chain and the jumps that stood before, whether or not the batch was loaded: exit status 0. If the
 * kernel refuses that (a rule it can no longer make, INPUT shorter than it was), the limits are taken out instead, so
 * that nobody is locked out: exit status 1. Needs nothing from the step library.
 */
export function undoRules(change: LoadRules): Sh {
  const { chain, family } = change;
  const command = COMMAND[family];
  return sh`(
set +e
${loadChain(chain)}
undo_batch() {
${feed(sh`load_chain ${command}`, Buffer.from(change.undo))}
}
${undoReplaced(change)}
undo_batch && exit 0
while ${command} -w 10 -D INPUT -j ${chain} 2>/dev/null; do :; done
${command} -w 10 -F ${chain} 2>/dev/null
echo ${`the earlier ${family} rules of ${chain} could not be loaded again: that chain is empty now and nothing is limited by it`} >&2
exit 1
)`;
}

/** A batch is loaded as a whole or not at all: where one of the rules it replaces is gone, all are. */
function undoReplaced({ chain, family, replaces, undoReplaced }: LoadRules): Sh {
  const [first] = replaces;
  if (first === undefined) return raw(':');
  const command = COMMAND[family];
  return sh`if ! ${command} -w 10 -S INPUT | sed 's/ *$//' | grep -qxF -e ${`-A INPUT ${first}`}; then
  undo_replaced() {
${feed(sh`load_chain ${command}`, Buffer.from(undoReplaced))}
  }
  undo_replaced && exit 0
  echo ${`the rules made by hand that ${chain} replaced could not be brought back`} >&2
fi`;
}

/** Takes the chain and the jumps to it out of both back ends. Needs the step library's `fail`. */
export function removeRules({ chain, family }: RemoveRules): Sh {
  const command = COMMAND[family];
  return sh`${loadChain(chain)}
${leaveOther(chain)}
if ${command} -w 10 -S ${chain} >/dev/null 2>&1; then
  ${removal(chain)} | load_chain ${command} || fail ${`the ${family} rules of ${chain} were not removed: they are in force as before`}
fi
leave_other ${command} || fail ${`the ${family} rules of ${chain} were not removed from the other back end`}
! ${command} -w 10 -S ${chain} >/dev/null 2>&1 || fail ${`${chain} is still there after it was removed from ${command}: something else makes it`}`;
}

/**
 * Removes the operator's own stamps from `recent` lists, so that the connections of this run do not count against the
 * login that confirms. `address` is what the host sees; lists that do not exist are none of its business.
 */
export function forgetOperator(lists: readonly string[], address: string): Sh {
  if (isIP(address) === 0 || lists.length === 0) return raw(':');
  return sh`for list in ${lists}; do
  if [ -e "/proc/net/xt_recent/$list" ]; then echo ${`-${address}`} > "/proc/net/xt_recent/$list" || :; fi
done`;
}
