import { raw } from '../shell/quote.ts';
import { absent, defineProbe, present } from './probe.ts';

export interface InitState {
  /** `252`. */
  readonly version: string;
  /** As `systemctl is-system-running` has it: `running`, `degraded`, `starting`, `stopping`, `maintenance`, … */
  readonly state: string;
}

/** systemd as a whole. Absent where it is not process 1. */
export const initProbe = defineProbe<'init', InitState>({
  name: 'init',
  key: () => 'init',
  // its exit status only repeats its answer
  script: () =>
    raw(`[ -d /run/systemd/system ] || exit 0
systemctl --version | head -n 1
systemctl is-system-running || :`),
  parse(output) {
    const [first = '', state = ''] = output.toString().trim().split('\n');
    if (first === '') return new Map([['init', absent]]);
    return new Map([['init', present({ version: /^systemd (\d+)/.exec(first)?.[1] ?? '', state })]]);
  },
});
