import type { Observed } from '../../probes/probe.ts';
import { printable } from '../../text/harmless.ts';

/** What one check says of a host: it is well, it could be better, or it stands in the way; the last two with what to do. */
export type Finding =
  | { readonly state: 'ok' | 'not looked at'; readonly says: string }
  | { readonly state: 'warning'; readonly says: string; readonly todo: string }
  /** Without `todo` it says itself what to do. */
  | { readonly state: 'trouble'; readonly says: string; readonly todo?: string };

export const ok = (says: string): Finding => ({ state: 'ok', says });
export const warning = (says: string, todo: string): Finding => ({ state: 'warning', says, todo });
export const trouble = (says: string, todo?: string): Finding => ({
  state: 'trouble',
  says,
  ...(todo === undefined ? {} : { todo }),
});
export const notLookedAt = (why: string): Finding => ({
  state: 'not looked at',
  says: `not looked at: ${why}`,
});

/** Judges what was seen. What could not be looked at is trouble: it must never read as well. */
export function judged<T>(
  seen: Observed<T>,
  {
    present,
    absent = () => couldNotLook('the host gave no answer'),
  }: { present: (value: T) => Finding; absent?: () => Finding },
): Finding {
  if (seen.state === 'present') return present(seen.value);
  return seen.state === 'absent' ? absent() : couldNotLook(seen.why);
}

const couldNotLook = (why: string): Finding =>
  trouble(
    `could not be looked at: ${printable(why)}`,
    "Look at the host's load and disks, then try again; log in by hand if it stays so.",
  );

/** Of several troubles or warnings about one thing those that are gravest, as one; `well` if there are none. */
export function together(findings: readonly Finding[], well: Finding): Finding {
  const gravest = (['trouble', 'warning'] as const)
    .map((state) => findings.filter((finding) => finding.state === state))
    .find((found) => found.length > 0);
  if (!gravest) return well;
  const says = gravest.map((finding) => finding.says).join('; ');
  const todo = [...new Set(gravest.flatMap((finding) => ('todo' in finding ? [finding.todo] : [])))].join(
    ' ',
  );
  return gravest[0]!.state === 'trouble' ? trouble(says, todo) : warning(says, todo);
}
