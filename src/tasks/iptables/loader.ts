import { raw, type Sh } from '../../shell/quote.ts';

/**
 * The name of a chain of ours: what iptables takes (28 characters), minus what shells and patterns read as code.
 */
export const CHAIN_NAME = '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,27}$';

function patternOf(chain: string): string {
  if (!new RegExp(CHAIN_NAME).test(chain)) throw new RangeError(`${chain} is not a name for a chain`);
  return chain.replaceAll('.', '\\.');
}

/**
 * A shell function: `load_chain iptables < BATCH` loads a batch that begins with the chain's line, and takes away the
 * jumps to the chain that stand in INPUT in the same transaction. So it can run any number of times. The lists of
 * `recent` survive, because no rule that names one is ever gone. Exit status 4 is a lock that somebody else holds.
 */
export function loadChain(chain: string): Sh {
  const pattern = patternOf(chain);
  return raw(`load_chain() {
  batch=$(cat)
  for try in 1 2 3; do
    held=$("$1-save" -t filter) || return
    jumps=$(printf '%s\\n' "$held" | sed -n 's/^-A \\(INPUT .*-[jg] ${pattern}\\) *$/-D \\1/p')
    code=0
    { printf '%s\\n' "$batch" | sed '/^:${pattern} /q'
      printf '%s\\n' "$jumps"
      printf '%s\\n' "$batch" | sed '1,/^:${pattern} /d'
    } | "$1-restore" --noflush -w 10 || code=$?
    [ "$code" -eq 4 ] || return "$code"
    sleep 1
  done
  return "$code"
}`);
}

/**
 * A shell function on top of `load_chain`: `leave_other iptables` takes the chain and its jumps out of the back end that
 * is not in use, if they are there. The legacy one is asked only for a table that the kernel lists: asking makes one.
 */
export function leaveOther(chain: string): Sh {
  const pattern = patternOf(chain);
  return raw(`leave_other() {
  case $("$1" -V) in *nf_tables*) other=$1-legacy ;; *) other=$1-nft ;; esac
  command -v "$other-save" >/dev/null || return 0
  case $other in *-legacy) grep -qsx filter "/proc/net/\${1%tables}_tables_names" || return 0 ;; esac
  "$other-save" -t filter 2>/dev/null | grep -q '^:${pattern} ' || return 0
  ${removal(chain).text} | load_chain "$other"
}`);
}

/** Prints the batch that takes the empty chain away. */
export function removal(chain: string): Sh {
  patternOf(chain);
  return raw(`printf '%s\\n' '*filter' ':${chain} - [0:0]' '-X ${chain}' COMMIT`);
}
