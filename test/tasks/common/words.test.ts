import { expect, it } from 'vitest';
import { sentenceList } from '../../../src/tasks/common/words.ts';

it.each([
  [[], ''],
  [['a'], 'a'],
  [['a', 'b'], 'a and b'],
  [['a', 'b', 'c'], 'a, b and c'],
])('%j is %j', (items, text) => expect(sentenceList(items)).toBe(text));
