/** An awk program: what PAM and the units of sshd name, but for what only greets, `run PATH`. Where a name depends on the user, all in its folder: `part PATH`. */
export const PAM_AND_UNITS = `
!/^[ \\t]*#|pam_(env|motd|mail|lastlog|issue|echo)/ {
  count = split($0, word, /[ \\t\\r"\\047=]+/)
  for (i = 1; i <= count; i++) {
    sub(/^[-@:+!]+/, "", word[i])
    kind = sub(/\\/[^\\/]*[$%].*/, "", word[i]) ? "part" : "run"
    if (word[i] ~ /^\\//) print kind, word[i]
  }
}`;
