import { Type } from '@sinclair/typebox';
import { packageOriginProbe } from '../probes/origin.ts';
import { packageProbe } from '../probes/packages.ts';
import { ask } from '../probes/probe.ts';
import { asList, OneOrMore } from './common/params.ts';
import { unseen } from './common/verdicts.ts';
import { sentenceList } from './common/words.ts';
import { defineRemoval, defineTask } from './task.ts';

const Name = Type.String({ pattern: '^[a-z0-9][a-z0-9+.-]+$', description: 'The name of a package.' });

const schema = Type.Object(
  { name: OneOrMore(Name, 'One package or several.') },
  { additionalProperties: false, title: 'package' },
);

const removal = defineRemoval(schema, {
  summary:
    'purges those that harden installed, with what was installed with them and nothing else needs; one that was there before stays.',
  questions: ({ name }) => ({
    packages: asList(name).map((one) => ask(packageProbe, one)),
    origins: asList(name).map((one) => ask(packageOriginProbe, one)),
  }),
  plan({ name }, { packages, origins }) {
    const there = asList(name).filter((_, index) => packages[index]?.state !== 'absent');
    const states = [...packages, ...origins];
    const blind = states.find((state) => state.state === 'unreadable');
    if (blind?.state === 'unreadable') return unseen(sentenceList(asList(name)), blind);
    const ours = there.filter((one) => origins[asList(name).indexOf(one)]?.state === 'present');
    if (ours.length > 0) {
      const changes = [{ kind: 'remove-packages' as const, names: ours }];
      return { verdict: 'change', reason: `harden installed ${sentenceList(ours)}`, changes };
    }
    return {
      verdict: 'ok',
      reason:
        there.length === 0
          ? `${sentenceList(asList(name))} not installed`
          : `harden did not install ${sentenceList(there)}: it stays`,
    };
  },
});

/** Packages of the distribution. A barrier: nobody can predict what a package brings. */
export const packageTask = defineTask({
  type: 'package',
  summary:
    'Packages of the distribution are installed. Configuration files of yours are kept, nothing is asked.',
  schema,
  removal,
  barrier: true,
  owns: ({ name }) => asList(name).map((one) => `package:${one}` as const),
  questions: ({ name }) => ({ packages: asList(name).map((one) => ask(packageProbe, one)) }),
  plan({ name }, { packages }) {
    const states = asList(name).map((one, index) => [one, packages[index]!] as const);
    const unreadable = states.find(([, state]) => state.state === 'unreadable');
    if (unreadable?.[1].state === 'unreadable') {
      return unseen(unreadable[0], unreadable[1]);
    }
    const wanting = states.flatMap(([one, state]) => {
      if (state.state !== 'present') return [{ one, why: `${one} is not installed` }];
      return state.value.status === 'installed' ? [] : [{ one, why: `${one} is ${state.value.status}` }];
    });
    if (wanting.length === 0) {
      const versions = states.map(([one, state]) =>
        state.state === 'present' ? `${one} ${state.value.version}` : one,
      );
      return { verdict: 'ok', reason: `${sentenceList(versions)} installed` };
    }
    return {
      verdict: 'change',
      reason: sentenceList(wanting.map(({ why }) => why)),
      changes: [{ kind: 'install-packages', names: wanting.map(({ one }) => one) }],
    };
  },
});
