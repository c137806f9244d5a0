import type { ConfigFile } from '../../probes/fail2ban-config.ts';
import type { FileState } from '../../probes/file.ts';
import type { Observed } from '../../probes/probe.ts';
import type { WriteFile } from '../change.ts';
import { NOTHING, type Part } from '../common/part.ts';
import { blocked, type Obstacle, unseen, wrongKind } from '../common/verdicts.ts';
import { writeOver } from '../common/write.ts';
import { editSection, readSection, unreadableLine } from './ini-section.ts';
import { effective, HEADER, jailFile, OVERRIDE_FILE, type Placed, readBefore } from './jail-files.ts';
import type { WantedSetting } from './jail-settings.ts';
import type { JailParams } from './schema.ts';

export const textOf = (file: Observed<FileState>): string =>
  file.state === 'present' ? (file.value.content?.toString('latin1') ?? '') : '';

/** Why a file cannot be edited. */
export function unusable(path: string, file: Observed<FileState>): Obstacle | undefined {
  if (file.state === 'unreadable') return unseen(path, file);
  if (file.state === 'absent') return undefined;
  if (file.value.kind !== 'file') return wrongKind(path, 'a regular file');
  if (!file.value.content) return blocked(`${path} is too large to be edited; it was left alone`);
  const line = unreadableLine(textOf(file));
  return line
    ? blocked(`${path}:${line} is not a line that fail2ban can read; the file was left alone`)
    : undefined;
}

/** What the text of a file does not set as it is wanted. */
export function wrongSettings(
  text: string,
  section: string,
  wanted: readonly WantedSetting[],
): WantedSetting[] {
  const settings = readSection(text, section);
  return wanted.filter(({ key, same }) => {
    const found = settings?.get(key);
    return !found || !same(found.value);
  });
}

/** What sets these in the jail's own file. */
export function ownEdit(
  params: JailParams,
  file: Observed<FileState>,
  wrong: readonly WantedSetting[],
): Part {
  if (wrong.length === 0) return NOTHING;
  const path = jailFile(params);
  return {
    reasons: [fileReason(textOf(file), params.name, wrong)],
    changes: [writeSection(path, file, params.name, wrong)],
  };
}

/** What sets again, where that is wanted, what files that fail2ban reads later set to something else. */
export function overridingEdit(
  params: JailParams,
  files: readonly ConfigFile[],
  file: Observed<FileState> | undefined,
  wanted: readonly WantedSetting[],
): Part | Obstacle {
  const path = jailFile(params);
  const rivals = overrides(path, files, params.name, wanted);
  const [rival] = params.override
    ? rivals.filter(({ at }) => !readBefore(at.path, OVERRIDE_FILE) && at.path !== OVERRIDE_FILE)
    : rivals;
  if (rival) {
    const { key, at } = rival;
    return blocked(
      `${at.path}:${at.line} sets ${key} of [${params.name}] to ${at.value || 'nothing'} and overrides ${path}; remove it there${params.override ? '' : ', or set override: true'}`,
    );
  }
  if (rivals.length === 0 || !file || file.state === 'unreadable') return NOTHING;
  const settings = rivals.map(({ setting }) => setting);
  return {
    reasons: [rivals.map(({ key, at }) => `${at.path}:${at.line} overrides ${key}`).join(', ')],
    changes: [writeSection(OVERRIDE_FILE, file, params.name, settings)],
  };
}

function fileReason(text: string, section: string, wrong: readonly WantedSetting[]): string {
  const settings = readSection(text, section);
  if (!settings) {
    const why = wrong.flatMap(({ why }) => why ?? []);
    return [`there is no section [${section}] in its file`, ...why].join('; ');
  }
  return wrong
    .map(({ key, text: wanted, why }) => {
      const found = settings.get(key);
      if (why) return why;
      if (!found) return `${key} is not set, wanted ${wanted}`;
      return `${key} is ${found.value.replaceAll('\n', ' ') || 'empty'}, wanted ${wanted}`;
    })
    .join(', ');
}

function writeSection(
  path: string,
  file: Observed<FileState>,
  section: string,
  settings: readonly WantedSetting[],
): WriteFile {
  const values = new Map(settings.map(({ key, text }) => [key, text]));
  if (file.state !== 'present') {
    const content = Buffer.from(HEADER + editSection('', section, values), 'latin1');
    return { ...writeOver(path, undefined, content), mode: '0644' };
  }
  return writeOver(path, file.value, Buffer.from(editSection(textOf(file), section, values), 'latin1'));
}

/** Settings that a file which fail2ban reads after ours sets to something else. */
function overrides(
  path: string,
  files: readonly ConfigFile[],
  section: string,
  wanted: readonly WantedSetting[],
): { key: string; at: Placed; setting: WantedSetting }[] {
  const later = files.filter((file) => readBefore(path, file.path));
  return wanted.flatMap((setting) => {
    const at = effective(later, section, setting.key);
    return at && !setting.same(at.value) ? [{ key: setting.key, at, setting }] : [];
  });
}
