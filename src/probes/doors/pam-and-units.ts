/** An awk program: what PAM, the units of sshd, and the scripts that run at every login name, but for modules that only show a file, `run PATH`. Where a name depends on the user, all in its folder: `part PATH`. */
export const PAM_AND_UNITS = `
!/^[ \\t]*#|pam_(motd|mail|lastlog|issue|echo)/ {
  count = split($0, word, /[ \\t\\r"\\047=]+/)
  for (i = 1; i <= count; i++) {
    sub(/^[-@:+!]+/, "", word[i])
    kind = sub(/\\/[^\\/]*[$%].*/, "", word[i]) ? "part" : "run"
    if (word[i] ~ /^\\//) print kind, word[i]
  }
}`;
