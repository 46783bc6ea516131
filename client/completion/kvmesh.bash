# bash completion for kvmesh                                                        -*- shell-script -*-

# The functions that a node offers, as the arguments say which.
_kvmesh_functions() { # PROGRAM ENDPOINT [NODE]
    local program=$1 endpoint=$2
    shift 2
    "$program" ${endpoint:+--node "$endpoint"} --timeout 300ms modules "$@" 2>/dev/null | sed '/^server /d; s/(.*//'
}

# The servers of a node; with a SERVER the functions that it has.
_kvmesh_servers() { # PROGRAM ENDPOINT NODE [SERVER]
    local name its
    "$1" ${2:+--node "$2"} --timeout 300ms modules "$3" 2>/dev/null | sed -n 's/^server //p' |
        while IFS=: read -r name its; do
            if [[ -z ${4-} ]]; then
                printf '%s\n' "$name"
            elif [[ $name == "$4" && $its == *'('* ]]; then
                its=${its%%(*}
                printf '%s\n' "${its##* }"
            fi
        done | sort -u
}

# The nodes that the connected one knows.
_kvmesh_nodes() { # PROGRAM ENDPOINT
    "$1" ${2:+--node "$2"} --timeout 300ms nodes 2>/dev/null | sed -n '2,$s/ .*//p'
}

# The keys that a bucket has, or the buckets of the mesh, for the word being completed. Asks the mesh, so briefly.
_kvmesh_names() { # PROGRAM ENDPOINT ARGUMENTS...
    local program=$1 endpoint=$2
    shift 2
    "$program" ${endpoint:+--node "$endpoint"} --timeout 300ms "$@" --limit 500 2>/dev/null
}

_kvmesh() {
    local cur prev words cword
    _init_completion -n = || return

    local commands='create drop keys count buckets put get delete route trace info nodes ping reload call spawn send server modules tasks shell import export bench verify sim help version'
    local common='--node --timeout --json --version --help --help-all -h'
    local command='' endpoint='' i position=0 only_words=''
    local -a arguments=()

    for ((i = 1; i < cword; i++)); do
        case ${words[i]} in
            --) only_words=yes ;;
            --node) endpoint=${words[++i]-} ;;
            --timeout | --limit | --after | --file | --format | --retry-for | --on | --range | --count | --bucket | --cancel | \
                --live | --diff | --from | --svg) ((i++)) ;;
            --protocol | --tcp | --connections | --depth | --rate | --duration | --warmup | --patience | \
                --buckets | --keys | --prefix | --value-bytes | --writes | --zipf | --seed | \
                --runs | --nodes | --levels | --shape | --requests | --faults | --scenario) ((i++)) ;;
            -*) ;;
            *)
                if [[ -z $command ]]; then
                    command=${words[i]}
                else
                    arguments+=("${words[i]}")
                    ((position++))
                fi
                ;;
        esac
    done

    if [[ -z $only_words ]]; then
        case $prev in
            --file | --diff | --svg | --scenario)
                _filedir
                return
                ;;
            --format)
                mapfile -t COMPREPLY < <(compgen -W 'tsv jsonl' -- "$cur")
                return
                ;;
            --faults)
                mapfile -t COMPREPLY < <(compgen -W 'none some many' -- "$cur")
                return
                ;;
            --shape)
                mapfile -t COMPREPLY < <(compgen -W 'tree chain random' -- "$cur")
                return
                ;;
            --protocol)
                mapfile -t COMPREPLY < <(compgen -W 'native line' -- "$cur")
                return
                ;;
            --timeout | --retry-for | --duration | --warmup | --patience)
                mapfile -t COMPREPLY < <(compgen -W '500ms 1s 5s 10s 30s 1m' -- "$cur")
                return
                ;;
            --node | --limit | --after | --on | --range | --count | --bucket | --cancel | --tcp | --connections | --depth | --rate | --buckets | \
                --keys | --prefix | --value-bytes | --writes | --zipf | --seed | --live | --from | \
                --runs | --nodes | --levels | --requests) return ;;
        esac
    fi

    if [[ $cur == -* && -z $only_words ]]; then
        local options=$common
        case $command in
            keys) options+=' --limit --after --on' ;;
            buckets) options+=' --limit --after --on --prefix --range' ;;
            count | delete) options+=' --on' ;;
            drop) options+=' --on --range' ;;
            put) options+=' --stdin --file' ;;
            get) options+=' --raw --on' ;;
            info) options+=' --mesh' ;;
            nodes) options+=' --watch' ;;
            ping) options+=' --count' ;;
            call) options+=' --bucket' ;;
            spawn) options+=' --detach --limit' ;;
            server) options+=' --cast --restart' ;;
            tasks) options+=' --cancel' ;;
            import) options+=' --format --create --no-create --retry-for --on' ;;
            export) options+=' --on --range --format' ;;
            verify) options+=' --live --diff --from --dot --svg' ;;
            sim)
                options='--seed --runs --nodes --levels --shape --requests --duration --faults --scenario --no-shrink --quiet --version --help'
                ;;
            bench)
                options+=' --protocol --tcp --connections --depth --rate --duration --warmup --count --patience'
                options+=' --buckets --keys --prefix --value-bytes --writes --zipf --seed --no-load --keep-going --drop'
                ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        return
    fi

    if [[ -z $command ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
        return
    fi

    # compgen -W would expand what stands in the names, so they are compared here.
    local -a candidates=()
    case $command:$position in
        import:0 | verify:* | sim:*)
            _filedir
            return
            ;;
        drop:* | keys:0 | count:0 | put:0 | get:0 | delete:0 | route:0 | trace:0 | export:*)
            mapfile -t candidates < <(_kvmesh_names "${words[0]}" "$endpoint" buckets)
            ;;
        put:1 | get:1 | delete:1 | trace:1)
            mapfile -t candidates < <(_kvmesh_names "${words[0]}" "$endpoint" keys "${arguments[0]}")
            ;;
        info:0 | nodes:0 | ping:0 | reload:0 | buckets:0 | call:0 | spawn:0 | server:0 | modules:0 | tasks:0)
            mapfile -t candidates < <(_kvmesh_nodes "${words[0]}" "$endpoint")
            ;;
        call:1 | spawn:1)
            mapfile -t candidates < <(_kvmesh_functions "${words[0]}" "$endpoint" "${arguments[0]}")
            ;;
        server:1 | server:2)
            mapfile -t candidates < <(_kvmesh_servers "${words[0]}" "$endpoint" "${arguments[@]}")
            ;;
    esac
    local candidate quoted
    COMPREPLY=()
    for candidate in "${candidates[@]}"; do
        [[ $candidate == "$cur"* ]] || continue
        printf -v quoted '%q' "$candidate"
        COMPREPLY+=("$quoted")
    done
} && complete -F _kvmesh kvmesh
