import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readSection, unreadableLine } from '../../src/tasks/fail2ban/ini-section.ts';
import { iniFile } from '../tasks/fail2ban/fixtures/ini-file.ts';
import { startHost, type TestHost } from './host.ts';
import { python } from './python.ts';

let host: TestHost;
beforeAll(async () => {
  host = await startHost({ kind: 'fail2ban' });
});
afterAll(() => host?.stop());

/** fail2ban reads its files with Python's ConfigParser and these settings. */
const JUDGE = `import configparser, io, json, sys
def read(text, strict):
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=';', strict=strict)
    try: parser.read_file(io.StringIO(text, newline=None))
    except configparser.Error: return None
    rows = lambda value: chr(10).join(row for row in value.split(chr(10)) if row)
    sections = {'DEFAULT': parser._defaults, **parser._sections}
    return {name: {key: rows(value) for key, value in settings.items()} for name, settings in sections.items()}
print(json.dumps([[read(text, True) is not None, read(text, False)] for text in json.load(sys.stdin)]))`;

type Judgement = readonly [readable: boolean, sections: Readonly<Record<string, object>> | null];

const values = (text: string, section: string) =>
  Object.fromEntries([...(readSection(text, section) ?? [])].map(([key, { value }]) => [key, value]));

it("harden reads the values that Python's ConfigParser reads, and fails where that fails", async () => {
  const texts = fc.sample(iniFile(fc.constantFrom('\n', '\r\n', '\r')), { numRuns: 1500, seed: 4 });
  const judged = await python<Judgement[]>(host, JUDGE, texts);
  expect(judged.filter(([readable]) => readable).length).toBeGreaterThan(150);
  for (const [index, [readable, sections]] of judged.entries()) {
    const text = texts[index]!;
    expect([text, unreadableLine(text) === undefined]).toEqual([text, readable]);
    for (const [name, expected] of Object.entries(sections ?? {})) {
      expect([text, name, values(text, name)]).toEqual([text, name, expected]);
    }
  }
});
