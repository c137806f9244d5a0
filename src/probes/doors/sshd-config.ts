/** An awk program: what files of sshd name, `config PATTERN`, `run WORD`, `keys PATH` or `part PATH`, a line each, for each account. */
export const SSHD_CONFIG = `
function expand(word, i,   out, token) {
  out = ""
  while (match(word, /%./)) {
    token = substr(word, RSTART + 1, 1)
    out = out substr(word, 1, RSTART - 1) (token == "u" ? name[i] : token == "h" ? home[i] : token == "U" ? uid[i] : "%")
    word = substr(word, RSTART + 2)
  }
  return out word
}
function tell(kind, word,   i, path) {
  for (i = 1; i <= count; i++) {
    path = expand(word, i)
    if (path ~ /^\\//) print kind, path
    else if (kind != "run") print kind, home[i] "/" path
  }
}
BEGIN {
  count = split(ENVIRON["accounts"], line, "\\n")
  for (i = 1; i <= count; i++) { split(line[i], field, ":"); name[i] = field[1]; uid[i] = field[3]; home[i] = field[6] }
}
{
  sub(/^[ \\t]+/, "")
  if (!match($0, /^[A-Za-z]+/)) next
  key = tolower(substr($0, 1, RLENGTH)); rest = substr($0, RLENGTH + 1)
  if (key == "include") kind = "config"
  else if (key == "authorizedkeysfile") kind = "keys"
  else if (key ~ /^(force|authorizedkeys|authorizedprincipals)command$/) kind = "run"
  else if (key ~ /^(authorizedprincipalsfile|trustedusercakeys|revokedkeys|host(key|certificate|keyagent)|chrootdirectory|securitykeyprovider)$/) kind = "part"
  else next
  sub(/^[ \\t]*=/, "", rest)
  if (kind == "run") gsub(/["\\047]/, " ", rest)
  sub(/^[ \\t]+/, "", rest)
  while (match(rest, /^("[^"]*"|\\047[^\\047]*\\047|[^ \\t\\r"\\047]+)/)) {
    word = substr(rest, 1, RLENGTH); rest = substr(rest, RLENGTH + 1)
    sub(/^[ \\t\\r]+/, "", rest)
    if (word ~ /^#/) break
    gsub(/^["\\047]|["\\047]$/, "", word)
    if (kind != "config") tell(kind, word)
    else print kind, (word ~ /^\\// ? word : "/etc/ssh/" word)
  }
}`;
