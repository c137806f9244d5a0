import { raw, sh } from '../shell/quote.ts';
import { defineProbe, present, unreadable } from './probe.ts';

/** `nowhere`: the running kernel's modules are not on this host at all, as in a container or after an upgrade without a restart. */
export type ModuleState = 'loaded' | 'available' | 'missing' | 'nowhere';

/** Whether the kernel has a module, asked by its name. Nothing is loaded for it. */
export const kernelModuleProbe = defineProbe<string, ModuleState>({
  name: 'kernel-module',
  key: (name) => name,
  script: (names) =>
    sh`for name in ${names}; do${raw(`
  modules=/lib/modules/$(uname -r)
  if [ -d "/sys/module/$name" ] || [ -d "/proc/net/$name" ]; then echo loaded
  elif ! [ -r "$modules/modules.dep" ]; then echo nowhere
  elif cat "$modules/modules.dep" "$modules/modules.builtin" 2>/dev/null | grep -q "/$name\\.ko"; then echo available
  else echo missing; fi
done`)}`,
  parse(output, names) {
    const states = output.toString().trim().split('\n');
    return new Map(
      names.map((name, index) => {
        const state = (['loaded', 'available', 'missing', 'nowhere'] as const).find(
          (one) => one === states[index],
        );
        return [name, state ? present(state) : unreadable('the host gave no answer')];
      }),
    );
  },
});
