import type { RunRecord } from '../../probes/run-record.ts';
import { NOTHING, type Part } from '../common/part.ts';
import { sentenceList } from '../common/words.ts';

/** Packages that the run brought and that are still there. */
export const brought = ({ packages }: RunRecord): string[] =>
  packages.flatMap(({ name, change, there }) => (change === 'installed' && there ? [name] : []));

/** They go. */
export function packagesPart(record: RunRecord): Part {
  const names = brought(record);
  return names.length === 0
    ? NOTHING
    : { reasons: [`the packages ${sentenceList(names)}`], changes: [{ kind: 'remove-packages', names }] };
}
