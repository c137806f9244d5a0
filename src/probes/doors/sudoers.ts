/** An awk program: what files of sudo include, `rules PATH` or `folder PATH`. */
export const SUDOERS = `
match($0, /^[ \\t]*[@#]include(dir)?[ \\t]+/) {
  kind = substr($0, 1, RLENGTH) ~ /dir/ ? "folder" : "rules"
  path = substr($0, RLENGTH + 1)
  gsub(/^"|"?[ \\t\\r]*$|\\\\/, "", path)
  gsub(/%h/, ENVIRON["host"], path)
  own = FILENAME; sub(/[^\\/]*$/, "", own)
  print kind, (path ~ /^\\// ? path : own path)
}`;
