/**
 * The paths of one line of `ssh -G`, which separates them by blanks and quotes none: what exists with a blank in it is one
 * path, and so is a word together with the ones that cannot begin a path.
 */
export function splitPaths(line: string, exists: (path: string) => boolean): string[] {
  const words = line.split(' ');
  const paths: string[] = [];
  for (let at = 0; at < words.length; ) {
    const end = pathEnd(words, at, exists);
    paths.push(words.slice(at, end).join(' '));
    at = end;
  }
  return paths.filter((path) => path.trim() !== '');
}

function pathEnd(words: readonly string[], at: number, exists: (path: string) => boolean): number {
  for (let end = words.length; end > at; end--) {
    if (exists(words.slice(at, end).join(' '))) return end;
  }
  let end = at + 1;
  // one that is not there yet: the next path begins where one can, or where a file is
  while (end < words.length && !/^(?:[~/]|%d|\$\{)/.test(words[end]!) && !exists(words[end]!)) end++;
  return end;
}
