/** The candidate that `name` was probably meant to be; undefined if none is near. */
export function suggestion(name: string, candidates: Iterable<string>): string | undefined {
  const limit = Math.max(1, Math.floor(name.length / 3));
  let best: { candidate: string; distance: number } | undefined;
  const all = [...candidates];
  for (const candidate of all) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance <= limit && distance < (best?.distance ?? Number.POSITIVE_INFINITY))
      best = { candidate, distance };
  }
  if (best) return best.candidate;
  // the beginning of just one of them
  const longer = name.length < 3 ? [] : all.filter((candidate) => candidate.startsWith(name.toLowerCase()));
  return longer.length === 1 ? longer[0] : undefined;
}

/** `did you mean "x"?`, or what there is to choose from, or nothing. */
export function hint(name: string, candidates: readonly string[]): string | undefined {
  const near = suggestion(name, candidates);
  if (near !== undefined) return `did you mean "${near}"?`;
  return candidates.length > 0 && candidates.length <= 20 ? `there is: ${candidates.join(', ')}` : undefined;
}

/** Insertions, deletions, substitutions and swaps of neighbours between two words. */
export function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 20) return Number.POSITIVE_INFINITY;
  let older: number[] = [];
  let old = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min(old[j]! + 1, row[j - 1]! + 1, old[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, older[j - 2]! + 1);
      row.push(least);
    }
    [older, old] = [old, row];
  }
  return old[b.length]!;
}
