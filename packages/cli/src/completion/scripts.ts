// The scripts of the shells. Each gives the words up to the cursor to `strongroom complete` and takes lines back: a word, a tab, what it
// means. A line `:files` stands for the names of files.

import type { SHELLS } from './commands.ts'

export const scriptOf = (shell: (typeof SHELLS)[number]): string => SCRIPTS[shell]

/** Bash takes `=` and `:` for ends of words: what stands before the last of them is not part of what it replaces. */
const BASH = `# Completion of strongroom. In ~/.bashrc: source <(strongroom completion bash)
_strongroom() {
  local line="\${COMP_LINE:0:COMP_POINT}" word lines IFS=$'\\n'
  local -a words
  IFS=$' \\t' read -r -a words <<< "$line"
  [[ "$line" == *[[:space:]] ]] && words+=('')
  word="\${words[\${#words[@]}-1]}"
  lines="$(strongroom complete -- "\${words[@]:1}" 2> /dev/null)"
  COMPREPLY=()
  if [[ "$lines" == :files ]]; then
    compopt -o filenames
    COMPREPLY=($(compgen -f -- "$word"))
    return
  fi
  local before="\${word%"\${word##*[=:]}"}" one
  while read -r one; do
    one="\${one%%$'\\t'*}"
    [[ -n "$one" ]] && COMPREPLY+=("\${one#"$before"}")
  done <<< "$lines"
}
complete -F _strongroom strongroom
`

const ZSH = `#compdef strongroom
# Completion of strongroom. In ~/.zshrc, after compinit: source <(strongroom completion zsh)
_strongroom() {
  local -a lines found
  local line
  lines=("\${(@f)$(strongroom complete -- "\${(@)words[2,CURRENT]}" 2> /dev/null)}")
  if [[ "\${lines[1]}" == :files ]]; then
    _files
    return
  fi
  for line in "\${lines[@]}"; do
    [[ -n "$line" ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe strongroom found
}
compdef _strongroom strongroom
`

const FISH = `# Completion of strongroom. In ~/.config/fish/config.fish: strongroom completion fish | source
function __strongroom_complete
  set -l words (commandline -opc)
  set -l word (commandline -ct)
  set -l lines (strongroom complete -- $words[2..-1] "$word" 2> /dev/null)
  if test "$lines[1]" = :files
    __fish_complete_path "$word"
  else
    string join \\n -- $lines
  end
end
complete -c strongroom -f -a '(__strongroom_complete)'
`

const SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH }
