# bash completion for kvmesh                                                        -*- shell-script -*-
#
# What a word can become is known to the program itself: kvmesh __complete WORD... prints it, "words" and a line each, or
# "files" and what stands before a file's name. This script takes the line apart and quotes. It expands nothing, as names
# may hold anything that a shell would obey.

# Takes the command line up to the cursor apart, as bash would, but expands nothing. Sets in its caller: words, of which
# the last is begun, and typed, the text of that one on the line.
_kvmesh_split() {
    local line=${COMP_LINE:0:COMP_POINT} char next quote='' word='' is_word='' i
    words=() typed=''
    for ((i = 0; i < ${#line}; i++)); do
        char=${line:i:1} next=${line:i+1:1}
        case $quote$char in
            "''" | '""') quote='' ;;
            \' | \") quote=$char is_word=yes ;;
            ' ' | $'\t')
                [[ -z $is_word ]] || words+=("$word")
                word='' typed='' is_word=''
                continue
                ;;
            \\ | \"\\)
                [[ -z $quote || $next == [\\\"\$\`] ]] || word+=$char
                word+=$next typed+=$char char=$next is_word=yes
                ((i++))
                ;;
            *) word+=$char is_word=yes ;;
        esac
        typed+=$char
    done
    words+=("$word")
}

# Sets quoted: the candidate as it has to stand on the line, in the quotes that were begun. Fails where it cannot.
_kvmesh_quote() { # CANDIDATE
    case ${typed:0:1} in
        \') [[ $1 != *\'* ]] && quoted="'$1" ;;
        \")
            quoted=${1//\\/\\\\}
            quoted=${quoted//\"/\\\"}
            quoted=${quoted//\$/\\\$}
            quoted=\"${quoted//\`/\\\`}
            [[ $1 != *!* ]]
            ;;
        *) printf -v quoted '%q' "$1" ;;
    esac
}

_kvmesh() { # PROGRAM TEXT: what readline replaces, the end of the line's last word
    local words typed quoted candidate kept
    local -a answer files=()
    COMPREPLY=()
    if [[ ${COMP_WORDS[COMP_CWORD - 1]} == [\<\>]* ]]; then
        compopt -o default # the file of a redirection
        return
    fi
    _kvmesh_split
    while [[ ${#words[@]} -gt 1 && ${words[0]} != "$1" ]]; do words=("${words[@]:1}"); done # assignments
    kept=${typed%"$2"} # stays on the line: for readline, @ and = and : part words too
    mapfile -t answer < <("$1" __complete "${words[@]:1}" 2>/dev/null)
    if [[ ${answer[0]-} == words ]]; then
        for candidate in "${answer[@]:1}"; do
            _kvmesh_quote "$candidate" && [[ $quoted == "$kept"* ]] && COMPREPLY+=("${quoted#"$kept"}")
        done
    elif [[ ${answer[0]-} == files ]]; then
        compopt -o filenames # which quotes them, too
        kept=${kept#[\'\"]}
        mapfile -t files < <(compgen -f -- "${words[-1]#"${answer[1]-}"}")
        for candidate in "${files[@]}"; do
            candidate=${answer[1]-}$candidate
            [[ $candidate == "$kept"* ]] && COMPREPLY+=("${candidate#"$kept"}")
        done
    fi
} && complete -F _kvmesh kvmesh
