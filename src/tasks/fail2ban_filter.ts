import { Type } from '@sinclair/typebox';
import { fail2banProbe, type Jail } from '../probes/fail2ban.ts';
import { fail2banConfigProbe } from '../probes/fail2ban-config.ts';
import { fail2banDumpProbe } from '../probes/fail2ban-dump.ts';
import { type FileState, fileProbe } from '../probes/file.ts';
import { jamesProbe } from '../probes/james.ts';
import { fileOriginProbe } from '../probes/origin.ts';
import { ask, type Observed } from '../probes/probe.ts';
import type { SyncFail2ban, WriteFile } from './change.ts';
import { exposure } from './common/attributes.ts';
import { AbsolutePath } from './common/params.ts';
import { restore } from './common/restore.ts';
import { blocked, failed, unseen, wrongKind } from './common/verdicts.ts';
import { sha256, writeOver } from './common/write.ts';
import { failregexProblem, regexProblem, sameFailregex } from './fail2ban/failregex.ts';
import { filterFile, filterPath } from './fail2ban/filter-file.ts';
import { readSection } from './fail2ban/ini-section.ts';
import { jamesFailregex } from './fail2ban/james.ts';
import { notTakenOver } from './fail2ban/loadable.ts';
import { JailName } from './fail2ban/schema.ts';
import { defineRemoval, defineTask } from './task.ts';

const schema = Type.Object(
  {
    name: Type.String({
      pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$',
      maxLength: 64,
      description: "The filter's name: it becomes /etc/fail2ban/filter.d/NAME.conf.",
    }),
    preset: Type.Optional(
      Type.Literal('james', {
        description: 'The regexes for Apache James: failed SMTP logins and unknown recipients, each once.',
      }),
    ),
    james_home: Type.Optional(
      AbsolutePath('Where James is installed; its version decides which lines count (default /opt/james).'),
    ),
    failregex: Type.Optional(
      Type.Array(Type.String(), {
        minItems: 1,
        description: 'Instead of a preset: Python regexes with one <ADDR> each, anchored at their start.',
      }),
    ),
    ignoreregex: Type.Optional(
      Type.Array(Type.String(), { description: 'Lines that match one of these never count (default none).' }),
    ),
    jail: Type.Optional(
      JailName(
        'The jail whose running regexes are compared with the file (default: the name of the filter).',
      ),
    ),
  },
  { additionalProperties: false, title: 'fail2ban_filter' },
);

const HOME = '/opt/james';

const removal = defineRemoval(schema, {
  summary: 'the filter file that stood there before harden comes back, or none if there was none.',
  questions: ({ name, preset, james_home = HOME }) => ({
    file: ask(fileProbe, { path: filterPath(name), content: 'always' as const }),
    origin: ask(fileOriginProbe, filterPath(name)),
    james: preset ? [ask(jamesProbe, james_home)] : [],
  }),
  plan(params, { file, origin, james: [james] }) {
    const version = james?.state === 'present' ? james.value.version : undefined;
    const failregex = params.preset ? jamesFailregex(version) : (params.failregex ?? []);
    const ours = [filterFile(failregex, params.ignoreregex ?? [])];
    const verdict = restore({ path: filterPath(params.name), file, origin, ours });
    if (verdict.verdict !== 'change') return verdict;
    const sync: SyncFail2ban = { kind: 'sync-fail2ban', jails: [], filters: [], restart: [] };
    return { ...verdict, changes: [...verdict.changes, sync] };
  },
});

/** A whole filter file, and the jail that runs with it. */
export const fail2banFilterTask = defineTask({
  type: 'fail2ban_filter',
  summary: 'A fail2ban filter holds these regexes, and the running jail uses them.',
  schema,
  removal,
  check({ preset, failregex, ignoreregex = [], james_home }) {
    const problems: [(string | number)[], string][] = [];
    if (preset && failregex) problems.push([['failregex'], 'give either preset or failregex']);
    if (!preset && !failregex) problems.push([[], 'give either preset or failregex']);
    if (failregex && james_home)
      problems.push([['james_home'], 'it says something only beside preset: james']);
    failregex?.forEach((regex, index) => {
      const problem = failregexProblem(regex);
      if (problem) problems.push([['failregex', index], problem]);
    });
    ignoreregex.forEach((regex, index) => {
      const problem = regexProblem(regex);
      if (problem) problems.push([['ignoreregex', index], problem]);
    });
    return problems;
  },
  owns: ({ name }) => [`file:${filterPath(name)}`],
  relies: () => ['package:fail2ban'],
  questions: ({ name, preset, james_home = HOME }) => ({
    // small, and the diff needs it: which regexes are wanted is known only from James's version on the host
    file: ask(fileProbe, { path: filterPath(name), content: 'always' as const }),
    local: ask(fileProbe, { path: filterPath(name, 'local'), content: 'always' as const }),
    folder: ask(fileProbe, { path: '/etc/fail2ban/filter.d', content: 'never' as const }),
    james: preset ? [ask(jamesProbe, james_home)] : [],
    server: ask(fail2banProbe, 'fail2ban'),
    dump: ask(fail2banDumpProbe, 'dump'),
    config: ask(fail2banConfigProbe, 'jails'),
  }),
  plan(params, { file, local, folder, james: [james], server, dump, config }, context) {
    const { name, james_home = HOME, jail = name } = params;
    const path = filterPath(name);
    if (james?.state === 'unreadable') return unseen(james_home, james);
    if (james?.state === 'absent') {
      return blocked(`James is not installed: ${james_home} does not exist`);
    }
    if (folder.state === 'unreadable') return unseen('/etc/fail2ban/filter.d', folder);
    if (folder.state === 'absent') {
      return { verdict: 'needs', key: 'package:fail2ban', reason: 'fail2ban is not installed' };
    }
    if (file.state === 'unreadable') return unseen(path, file);
    if (file.state === 'present' && file.value.kind !== 'file') {
      return wrongKind(path, 'a regular file');
    }
    if (server.state === 'unreadable') return failed(`fail2ban could not be asked: ${server.why}`);
    if (local.state === 'unreadable') return unseen(filterPath(name, 'local'), local);
    const foreign = overridingLine(local);
    if (foreign) {
      return blocked(
        `${filterPath(name, 'local')}:${foreign.line} sets ${foreign.key} and overrides ${path}; remove it there`,
      );
    }

    const version = james?.state === 'present' ? james.value.version : undefined;
    const failregex = params.preset ? jamesFailregex(version) : (params.failregex ?? []);
    const ignoreregex = params.ignoreregex ?? [];
    const notes =
      params.preset && version === undefined
        ? [
            `the version of James in ${james_home} is not known: failed logins are counted from the lines of AuthCmdHandler (James 3.5 to 3.9)`,
          ]
        : [];
    const running = server.state === 'present' ? server.value.jails.get(jail) : undefined;
    const other = running && otherThan({ failregex, ignoreregex }, running);
    const sync: SyncFail2ban = {
      kind: 'sync-fail2ban',
      jails: running ? [jail] : [],
      filters: [path],
      restart: other?.restart ? [jail] : [],
    };
    const content = filterFile(failregex, ignoreregex);
    const write = writeIfDifferent(path, file, content);
    const exposed = file.state === 'present' ? exposure(file.value) : undefined;
    const closing = exposed ? [exposed] : [];
    if ((write || other) && server.state === 'present') {
      const unfit = notTakenOver(dump, config, server, context);
      if (unfit) return unfit;
    }
    if (write) {
      const reason = file.state === 'absent' ? 'it does not exist' : 'its content differs';
      return { verdict: 'change', reason, changes: [...closing, write, sync], notes };
    }
    if (other) {
      return {
        verdict: 'change',
        reason: `the running jail ${jail} uses ${other.what}; the file is right`,
        changes: [...closing, sync],
        notes,
      };
    }
    if (exposed) return { verdict: 'change', reason: exposed.summary, changes: [exposed], notes };
    return { verdict: 'ok', reason: running ? `${jail} runs with it` : 'the file is right', notes };
  },
});

/** The first setting of a `.local` file that replaces one of ours. */
function overridingLine(local: Observed<FileState>): { line: number; key: string } | undefined {
  if (local.state !== 'present' || !local.value.content) return undefined;
  const text = local.value.content.toString('latin1');
  const unset = ['prefregex', 'datepattern', 'maxlines', 'journalmatch'];
  const sections: [section: string, keys: readonly string[]][] = [
    ['Definition', ['failregex', 'ignoreregex', ...unset]],
    // these count where the definition, which is ours, says nothing
    ['Init', unset],
    ['DEFAULT', unset],
  ];
  return sections.flatMap(([section, keys]) => {
    const settings = readSection(text, section);
    return keys.flatMap((key) => {
      const found = settings?.get(key);
      return found ? [{ line: found.line, key }] : [];
    });
  })[0];
}

function writeIfDifferent(path: string, file: Observed<FileState>, content: Buffer): WriteFile | undefined {
  if (file.state !== 'present') return { ...writeOver(path, undefined, content), mode: '0644' };
  return file.value.sha256 === sha256(content) ? undefined : writeOver(path, file.value, content);
}

/** How the server spells that no date pattern is set. */
const DEFAULT_DATES: readonly string[] = ['', 'Default Detectors'];

interface Other {
  readonly what: string;
  /** A reload would leave it: it sets what the file says, and takes nothing away. */
  readonly restart: boolean;
}

/** What the running jail has besides these regexes, or instead of them; undefined if it runs with just these. */
function otherThan(
  { failregex, ignoreregex }: Pick<Jail, 'failregex' | 'ignoreregex'>,
  jail: Jail,
): Other | undefined {
  const same = (mine: readonly string[], theirs: readonly string[]) =>
    mine.length === theirs.length &&
    mine.every((regex) => theirs.some((running) => sameFailregex(regex, running)));
  // a filter of ours has neither: they would decide which lines the regexes ever see
  if (jail.prefregex !== '') return { what: `the prefix ${jail.prefregex}`, restart: true };
  if (!DEFAULT_DATES.includes(jail.datepattern))
    return { what: `the date pattern ${jail.datepattern}`, restart: true };
  if (jail.maxlines !== undefined && jail.maxlines > 1)
    return { what: `${jail.maxlines} lines at once`, restart: true };
  const equal = same(failregex, jail.failregex) && same(ignoreregex, jail.ignoreregex);
  return equal ? undefined : { what: 'other regexes', restart: false };
}
