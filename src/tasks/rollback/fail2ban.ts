import type { RunRecord } from '../../probes/run-record.ts';
import type { Change } from '../change.ts';
import { brought } from './packages.ts';

/**
 * A fail2ban that stays takes over what was put back, if it can: a run may have found files that it could not. Jails that the
 * run made may be gone then.
 */
export function syncAfter(record: RunRecord, changes: readonly Change[]): Change[] {
  if (brought(record).includes('fail2ban')) return [];
  const touched = changes.some((change) => 'path' in change && change.path.startsWith('/etc/fail2ban/'));
  if (!touched) return [];
  const jails = (content: Buffer | undefined) =>
    [...(content?.toString('latin1') ?? '').matchAll(/^\[([^\]\r\n]+)\]/gm)].map(([, name]) => name!);
  const gone = record.files.flatMap(({ before, now }) => {
    const stay = new Set(before.state === 'file' ? jails(before.content) : []);
    return now.state === 'file' ? jails(now.content).filter((name) => !stay.has(name)) : [];
  });
  return [
    {
      kind: 'sync-fail2ban',
      jails: [],
      gone: gone.filter((name) => !['DEFAULT', 'INCLUDES', 'Definition', 'Init'].includes(name)),
      filters: changes.flatMap((change) =>
        change.kind === 'restore-file' && /^\/etc\/fail2ban\/filter\.d\/[^/]+\.conf$/.test(change.path)
          ? [change.path]
          : [],
      ),
      restart: [],
      lenient: true,
    },
  ];
}
