import { expect, it } from 'vitest';
import { filterFile } from '../../../src/tasks/fail2ban/filter-file.ts';
import { literalValue, readSection } from '../../../src/tasks/fail2ban/ini-section.ts';
import { jamesFailregex } from '../../../src/tasks/fail2ban/james.ts';

it('puts each regex on a line of its own, in one column', () => {
  expect(filterFile(['^a <ADDR>$', '^100% <ADDR>$'], ['^x$']).toString()).toBe(
    `# Managed by harden: changes made here are overwritten.

[Definition]
failregex = ^a <ADDR>$
            ^100%% <ADDR>$
ignoreregex = ^x$
`,
  );
});

it('leaves no blank behind a setting without a value: an editor that strips it would be drift', () => {
  expect(filterFile(['<ADDR>'], []).toString()).toMatch(/\nignoreregex =\n$/);
});

it.each([
  [
    ['^a = b: <ADDR>$', '[x] <ADDR>', '%(y)s <ADDR>'],
    ['a;b', '100%%'],
  ],
  [[...jamesFailregex('3.10.0')], []],
])('is read back as it was given: %j %j', (failregex, ignoreregex) => {
  const settings = readSection(filterFile(failregex, ignoreregex).toString(), 'Definition')!;
  const read = (key: string) => literalValue(settings.get(key)!.value)!.split('\n').filter(Boolean);
  expect(read('failregex')).toEqual(failregex);
  expect(read('ignoreregex')).toEqual(ignoreregex);
});
