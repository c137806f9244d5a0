import { fail2banProbe } from '../../probes/fail2ban.ts';
import { type FileState, fileProbe } from '../../probes/file.ts';
import { type FileOrigin, fileOriginProbe } from '../../probes/origin.ts';
import { ask, type Observed } from '../../probes/probe.ts';
import type { Change, SyncFail2ban } from '../change.ts';
import { blocked, type Obstacle, unseen, wrongKind } from '../common/verdicts.ts';
import { writeOver } from '../common/write.ts';
import { defineRemoval } from '../task.ts';
import { readSection, restoreSection, unreadableLine } from './ini-section.ts';
import { HEADER, jailFile, OVERRIDE_FILE } from './jail-files.ts';
import { JAIL_KEYS } from './jail-settings.ts';
import { jailSchema } from './schema.ts';

/** The values of a section go back to what they were; a section, or a file, that harden made goes. */
export const jailRemoval = defineRemoval(jailSchema, {
  summary:
    "the section's values are what they were before harden, and a section that it made is gone; other settings stay.",
  questions: (params) => ({
    files: places(params).map((path) => ask(fileProbe, { path, content: 'always' as const })),
    origins: places(params).map((path) => ask(fileOriginProbe, path)),
    server: ask(fail2banProbe, 'fail2ban'),
  }),
  plan(params, { files, origins, server }) {
    if (server.state === 'unreadable') return unseen('the running fail2ban', server);
    const found = places(params).map((path, index) =>
      restoredFile(params.name, path, files[index]!, origins[index]!),
    );
    const stuck = found.find((one): one is Obstacle => one !== undefined && 'verdict' in one);
    if (stuck) return stuck;
    const changes = found.filter((one): one is Change => one !== undefined);
    if (changes.length === 0) return { verdict: 'ok', reason: 'harden has no setting of it in any file' };
    const sync: SyncFail2ban = {
      kind: 'sync-fail2ban',
      jails: [],
      gone: [params.name],
      filters: [],
      restart: [],
    };
    const reason = `harden set values in ${changes.map((one) => ('path' in one ? one.path : '')).join(' and ')}`;
    return { verdict: 'change', reason, changes: [...changes, sync] };
  },
});

const places = (params: Parameters<typeof jailFile>[0]): string[] => [
  ...new Set([jailFile(params), OVERRIDE_FILE]),
];

/** What gives one file back its section; undefined if there is nothing of harden in it. */
function restoredFile(
  section: string,
  path: string,
  file: Observed<FileState>,
  origin: Observed<FileOrigin>,
): Change | Obstacle | undefined {
  if (file.state === 'unreadable') return unseen(path, file);
  if (origin.state === 'unreadable') return unseen(`What ${path} was before`, origin);
  if (file.state === 'absent' || origin.state === 'absent') return undefined;
  const { before } = origin.value;
  if (before.state === 'attributes') return undefined;
  const now = file.value;
  if (now.kind !== 'file') return wrongKind(path, 'a regular file');
  if (!now.content) return blocked(`${path} is too large to be edited; it was left alone`);
  const text = now.content.toString('latin1');
  if (!readSection(text, section)) return undefined;
  const line = unreadableLine(text);
  if (line) return blocked(`${path}:${line} is not a line that fail2ban can read; the file was left alone`);
  const was = before.state === 'file' ? before.content.toString('latin1') : '';
  const wanted = restoreSection(text, section, JAIL_KEYS, was);
  if (wanted === text) return undefined;
  if (before.state === 'absent' && ['', HEADER.trim()].includes(wanted.trim())) {
    return { kind: 'remove-file', path: now.realPath, sha256: now.sha256 ?? '', content: now.content };
  }
  const write = writeOver(path, now, Buffer.from(wanted, 'latin1'));
  if (before.state === 'absent' || wanted !== was) return write;
  const { mode, owner, group } = before;
  return { ...write, mode, owner, group, restores: true };
}
