/** An awk program: the commands that keys are bound to, `run WORD`. */
export const AUTHORIZED_KEYS = `
!/^[ \\t]*#/ && match($0, /command="([^"\\\\]|\\\\.)*"/) {
  count = split(substr($0, RSTART + 9, RLENGTH - 10), word, /["\\047\\\\ \\t]+/)
  for (i = 1; i <= count; i++) if (word[i] ~ /^\\//) print "run", word[i]
}`;
