import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  editSection,
  escapeValue,
  literalValue,
  readSection,
  restoreSection,
  unreadableLine,
} from '../../../src/tasks/fail2ban/ini-section.ts';
import { iniFile } from './fixtures/ini-file.ts';

const edit = (text: string, ...settings: [string, string][]) => editSection(text, 'a', new Map(settings));
const values = (text: string, section: string) =>
  Object.fromEntries([...(readSection(text, section) ?? [])].map(([key, { value }]) => [key, value]));

describe('readSection', () => {
  it.each<[string, string, object]>([
    ['equal sign and colon', '[a]\nk=1\nl : 2\nm\t=\t3', { k: '1', l: '2', m: '3' }],
    ['a value with both in it', '[a]\nk = x=y:z', { k: 'x=y:z' }],
    ['upper case', '[a]\nBanTime = 1H', { bantime: '1H' }],
    ['comments', '[a]\n# k = 1\n;k = 2\nk = 3 ; 4\nl = 5;6\nm = 7 # 8', { k: '3', l: '5;6', m: '7 # 8' }],
    ['an empty value with a comment behind it', '[a]\nk = ; c', { k: '' }],
    ['a value in lines', '[a]\nk = 1\n  2 ; c\n# c\n\n   l = 3\nm = 4', { k: '1\n2\nl = 3', m: '4' }],
    ['a value that begins in its second line', '[a]\nk =\n  1', { k: '1' }],
    ['other sections', '[b]\nk = 1\n[a]\nl = 2\n[c]\nk = 3', { l: '2' }],
    ['CRLF', '[a]\r\nk = 1\r\nl = 2\r\n', { k: '1', l: '2' }],
    ['indented sections', '  [a]\n  k = 1\n  [b]\n  k = 2', { k: '1' }],
    ['text behind a header', '[a] x\nk = 1', { k: '1' }],
    ['a section that is there twice', '[a]\nk = 1\nl = 1\n[b]\nk = 2\n[a]\nk = 3', { k: '3', l: '1' }],
    ['a header inside a value', '[a]\nk = 1\n  [b]\nl = 2', { k: '1\n[b]', l: '2' }],
  ])('reads %s', (_, text, expected) => expect(values(text, 'a')).toEqual(expected));

  it('tells an empty section from none, and names of sections by case', () => {
    expect(readSection('[a]\n', 'a')?.size).toBe(0);
    expect(readSection('[A]\nk = 1', 'a')).toBeUndefined();
    expect(readSection('# [a]\n', 'a')).toBeUndefined();
    expect(readSection('', 'a')).toBeUndefined();
  });

  it('knows the line of a setting', () => {
    expect(readSection('# c\r\n\r\n[a]\r\nk = 1\r\n 2\r\nl = 3', 'a')).toEqual(
      new Map([
        ['k', { value: '1\n2', line: 4 }],
        ['l', { value: '3', line: 6 }],
      ]),
    );
  });
});

describe('unreadableLine', () => {
  it.each([
    ['a setting before any section', '# c\nk = 1\n', 2],
    ['a line without a value', '[a]\nk = 1\njunk\n', 3],
    ['a header that is not closed', '[a]\n[b\n', 2],
    ['a header without a name', '[]\n', 1],
    ['a value without a name', '[a]\n = 1', 2],
    ['a section that is there twice', '[a]\nk = 1\n[b]\n[a]\nl = 1\n', 4],
    ['a setting that is there twice', '[a]\nk = 1\n[b]\nk = 1\n[c]\nk = 1\nK: 2\n', 7],
    ['a setting that is twice in [DEFAULT]', '[DEFAULT]\nk = 1\n[DEFAULT]\nk = 2\n', 4],
  ])('is %s', (_, text, line) => expect(unreadableLine(text)).toBe(line));

  it.each([
    '',
    '\n',
    '# only a comment',
    '[a]\n[b]\n',
    '[a]\nk = 1\n  junk\n',
    '[a]\nk =\n',
    '[DEFAULT]\nk = 1\n[DEFAULT]\nl = 2\n',
  ])('is none in %j', (text) => expect(unreadableLine(text)).toBeUndefined());
});

describe('editSection', () => {
  it.each([
    ['an empty file', '', '[a]\nk = v\n'],
    ['another section', '[b]\nx = 1\n', '[b]\nx = 1\n\n[a]\nk = v\n'],
    ['no final newline', '[b]\nx = 1', '[b]\nx = 1\n\n[a]\nk = v\n'],
    ['no final newline in the section', '[a]\nx = 1', '[a]\nx = 1\nk = v\n'],
    ['CRLF', '[b]\r\nx = 1\r\n', '[b]\r\nx = 1\r\n\r\n[a]\r\nk = v\r\n'],
    ['blank lines behind the section', '[a]\nx = 1\n\n\n[b]\n', '[a]\nx = 1\nk = v\n\n\n[b]\n'],
    ['a long value at the end', '[a]\nx = 1\n   2\n\n[b]\n', '[a]\nx = 1\n   2\nk = v\n\n[b]\n'],
    ['indented settings', '[a]\n  x = 1\n    2\n[b]\n', '[a]\n  x = 1\n    2\n  k = v\n[b]\n'],
    // at the margin it would swallow the next header
    ['an empty section before an indented one', '[a]\n  [b]\n', '[a]\n  k = v\n  [b]\n'],
    ['a comment of the same text', '[a]\n#k = 1\n', '[a]\nk = v\n#k = 1\n'],
    ['the setting with its blanks', '[a]\nK  :  1\n', '[a]\nK  :  v\n'],
    ['the setting without blanks', '[a]\nk=1\n', '[a]\nk=v\n'],
    ['the setting with a blank on one side', '[a]\nk =1\n', '[a]\nk =v\n'],
    ['the setting without a value', '[a]\nk =\nx = 1\n', '[a]\nk = v\nx = 1\n'],
    ['a comment behind the value', '[a]\nk = 1  ; why\n', '[a]\nk = v  ; why\n'],
    ['a comment behind no value', '[a]\nk = ; why\n', '[a]\nk = v ; why\n'],
    ['a value in lines', '[a]\nk = 1\n  2\n\n  # c\n  3\nx = 4\n', '[a]\nk = v\n\n  # c\nx = 4\n'],
    ['the last setting', '[a]\nk = 1', '[a]\nk = v'],
    [
      'the same key elsewhere',
      '[b]\nk = 1\n[a]\nk = 2\n[c]\nk = 3\n',
      '[b]\nk = 1\n[a]\nk = v\n[c]\nk = 3\n',
    ],
    ['the key twice', '[a]\nk = 1\nk = 2\n', '[a]\nk = 1\nk = v\n'],
    ['the section twice', '[a]\nk = 1\n[b]\n[a]\nk = 2\n', '[a]\nk = 1\n[b]\n[a]\nk = v\n'],
    ['bytes of an unknown encoding', '[b]\nx = \xe9\xff\n[a]\nk = 1\n', '[b]\nx = \xe9\xff\n[a]\nk = v\n'],
  ])('%s', (_, text, expected) => expect(edit(text, ['k', 'v'])).toBe(expected));

  it('sets several in their order', () => {
    expect(edit('[a]\nm = 1\n', ['k', '1'], ['m', '2'], ['l', '3'])).toBe('[a]\nm = 2\nk = 1\nl = 3\n');
  });

  it.each([
    ['k', 'v\nenabled = false'],
    ['k', 'v\r[b]'],
    ['k\n[b]', 'v'],
  ])('refuses a line break: %j = %j', (key, value) => {
    expect(() => edit('[a]\n', [key, value])).toThrow('a line break cannot be part of');
  });

  it('takes what replace() would expand as it is', () => {
    expect(edit('[a]\nk = 1 ; c\n', ['k', "$&$1$'"])).toBe("[a]\nk = $&$1$' ; c\n");
  });
});

const anyFile = iniFile(fc.constantFrom('\n', '\r\n'));
const readableFile = anyFile.filter((text) => unreadableLine(text) === undefined);

describe('any file', () => {
  const setting = fc.record({
    section: fc.constantFrom('a', 'b', 'new'),
    key: fc.constantFrom('k', 'l', 'm', 'z'),
    value: fc.constantFrom('v', '10m', 'x=y', 'a b', '$&'),
  });

  it('holds the new value, all other values, and nothing changes the second time', () => {
    fc.assert(
      fc.property(readableFile, setting, (text, { section, key, value }) => {
        const once = editSection(text, section, new Map([[key, value]]));
        expect(values(once, section)).toEqual({ ...values(text, section), [key]: value });
        for (const other of ['a', 'b', 'c', 'DEFAULT', 'new'].filter((name) => name !== section)) {
          expect(values(once, other)).toEqual(values(text, other));
          expect(readSection(once, other) === undefined).toBe(readSection(text, other) === undefined);
        }
        expect(unreadableLine(once)).toBeUndefined();
        expect(editSection(once, section, new Map([[key, value]]))).toBe(once);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps every other byte', () => {
    const depth = (row: string) => row.search(/\S/);
    /** The lines of a file without those of one setting. */
    const others = (text: string, section: string) => {
      const rows = text.split(/\r?\n/);
      if (rows.at(-1) === '') rows.pop();
      const at = (readSection(text, section)?.get('k')?.line ?? 0) - 1;
      if (at < 0) return rows;
      const ours = (row: string) => /^\s*([#;]|$)/.test(row) || depth(row) > depth(rows[at]!);
      const next = rows.findIndex((row, index) => index > at && !ours(row));
      const end = next < 0 ? rows.length : next;
      return rows.filter((row, index) => index < at || index >= end || /^\s*([#;]|$)/.test(row));
    };
    fc.assert(
      fc.property(readableFile, fc.constantFrom('a', 'b', 'new'), (text, section) => {
        const once = editSection(text, section, new Map([['k', 'v']]));
        const added = readSection(text, section) ? [] : [...(text === '' ? [] : ['']), `[${section}]`];
        expect(others(once, section)).toEqual([...others(text, section), ...added]);
        if (text.includes('\r\n')) expect(once.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
        else expect(once).not.toContain('\r');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('restoreSection', () => {
  it('undoes an edit, whatever else is in the file', () => {
    fc.assert(
      fc.property(readableFile, fc.constantFrom('a', 'b', 'new'), (text, section) => {
        // an empty line or a comment inside a value moves behind it
        fc.pre(!/[\r\n][ \t]*([#;][^\r\n]*)?(\r\n|\r|\n)[ \t]+\S/.test(text));
        const edited = editSection(
          text,
          section,
          new Map([
            ['k', 'v'],
            ['new', 'x'],
          ]),
        );
        expect(restoreSection(edited, section, ['k', 'new'], text)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['what others set since stays', '[a]\nk = 1\n', '[a]\nk = v\nown = 2\n', '[a]\nk = 1\nown = 2\n'],
    ['another section stays', '', '[a]\nk = v\n\n[own]\nx = 1\n', '\n[own]\nx = 1\n'],
    ['a section that others filled stays', '', '[a]\nk = v\nown = 2\n', '[a]\nown = 2\n'],
  ])('%s', (_, before, now, expected) => expect(restoreSection(now, 'a', ['k'], before)).toBe(expected));
});

describe('a percent sign', () => {
  it.each([
    ['100%', '100%%'],
    ['%(x)s', '%%(x)s'],
    ['a%%b', 'a%%%%b'],
  ])('in %j is written as %j', (value, text) => {
    expect(escapeValue(value)).toBe(text);
    expect(literalValue(text)).toBe(value);
  });

  it.each(['%(default/ignoreip)s', '%', '%%%', 'a%b'])('%j is no literal', (text) =>
    expect(literalValue(text)).toBeUndefined(),
  );
});
