/** What shells are told once; each key press then asks `pintle __complete`. Fixed texts: of commands, flags and objects
 *  nothing stands in them, and what the answers hold is inserted, shown or left out, and never evaluated. */
export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** Bash splits words at : and =, too; what stood together in the line is asked for as one word, and what bash already has of it
 *  is taken off the answers. */
const bash = `# Completion of pintle for bash: source <(pintle completion bash)
_pintle() {
  local line=\${COMP_LINE:0:COMP_POINT} at piece kept directive answer word
  local -a asked=() found=()
  for ((at = 0; at <= COMP_CWORD; at++)); do
    if ((at == 0)) || [[ $line == [[:space:]]* ]]; then
      line=\${line#"\${line%%[![:space:]]*}"}
      asked+=("")
    fi
    piece=\${COMP_WORDS[at]}
    ((at == COMP_CWORD)) && piece=$line
    line=\${line#"$piece"}
    kept=\${asked[-1]}
    [[ $piece =~ ^[:=]+$ ]] && kept+=$piece
    asked[-1]+=$piece
  done
  COMPREPLY=()
  mapfile -t found < <(command pintle __complete "\${asked[@]:1}" 2>/dev/null)
  ((\${#found[@]} > 0)) || return 0
  directive=\${found[-1]#:}
  [[ $directive =~ ^[0-9]+$ ]] || return 0
  unset 'found[-1]'
  for answer in "\${found[@]}"; do
    word=\${answer%%$'\\t'*}
    [[ $word =~ ^[A-Za-z0-9_./:=@%+,-]+$ && $word == "\${asked[-1]}"* ]] && COMPREPLY+=("\${word#"$kept"}")
  done
  ((directive & 2)) && compopt -o nospace 2>/dev/null
  if ((\${#COMPREPLY[@]} == 0)); then
    if ((directive & 16)); then
      compopt -o dirnames 2>/dev/null
    elif ((!(directive & 4))); then
      compopt -o default 2>/dev/null
    fi
  fi
  return 0
}
complete -F _pintle pintle
`;

const zsh = `#compdef pintle
# Completion of pintle for zsh: source <(pintle completion zsh), after compinit; or as a file _pintle in a folder of $fpath
_pintle() {
  local -a answers found shown
  local answer word note directive tab=$'\\t'
  answers=("\${(@f)$(command pintle __complete "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  directive=\${answers[-1]#:}
  [[ $directive == <-> ]] || return 1
  for answer in "\${(@)answers[1,-2]}"; do
    word=\${answer%%$tab*}
    note=\${answer#*$tab}
    found+=("$word")
    if [[ $answer == *$tab* ]]; then shown+=("$word  -- $note"); else shown+=("$word"); fi
  done
  local -a how
  ((directive & 2)) && how=(-S '')
  if ((\${#found} > 0)); then
    compadd "\${how[@]}" -l -d shown -a -- found
    return
  fi
  ((directive & 4)) && return 1
  [[ $PREFIX == -*=* ]] && compset -P '*='
  if ((directive & 16)); then _files -/; else _files; fi
}
if [[ \${funcstack[1]} == _pintle ]]; then _pintle "$@"; else compdef _pintle pintle; fi
`;

const fish = `# Completion of pintle for fish: pintle completion fish | source, or as ~/.config/fish/completions/pintle.fish
function __pintle_complete
    set -l before (commandline -opc)
    set -l token (commandline -ct)
    set -l answers (command pintle __complete $before[2..-1] "$token" 2>/dev/null)
    set -q answers[1]; or return
    set -l directive (string replace -r '^:' '' -- $answers[-1])
    string match -qr '^[0-9]+$' -- $directive; or return
    set -e answers[-1]
    if set -q answers[1]
        printf '%s\\n' $answers
        return
    end
    test (math "floor($directive / 4) % 2") -eq 1; and return
    set -l flag (string match -r '^-[^=]*=' -- $token)
    set -l path (string replace -r '^-[^=]*=' '' -- $token)
    if test (math "floor($directive / 16) % 2") -eq 1
        for folder in (__fish_complete_directories $path '')
            printf '%s%s\\n' "$flag" $folder
        end
    else
        for file in (__fish_complete_path $path)
            printf '%s%s\\n' "$flag" $file
        end
    end
end
complete -c pintle -f -a '(__pintle_complete)'
`;

export const completionScripts: Readonly<Record<Shell, string>> = { bash, zsh, fish };
