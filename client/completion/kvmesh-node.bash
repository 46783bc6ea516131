# bash completion for kvmesh-node                                                   -*- shell-script -*-

_kvmesh_node() {
    local cur prev words cword
    _init_completion -n = || return

    local keys='name= apps= threads= busy_poll_us= modules= state_dir= mesh.listen= mesh.peers= mesh.key= mesh.security=
        mesh.insecure= mesh.request_timeout_ms=
        mesh.ping_interval_ms= mesh.peer_timeout_ms= mesh.reconnect_min_ms= mesh.reconnect_max_ms=
        kv.routing_table= kv.memory_max= kv.durability= kv.reads= kv_server.listen= kv_server.connections_max=
        kv_server.idle_timeout_ms= kv_server.tls.certificate= kv_server.tls.key= kv_server.tls.clients= kv_server.tls.ca=
        tasks.workers= tasks.queue_max= tasks.processes_max=
        tasks.time_limit_ms= tasks.stack_bytes= tasks.allow= log.level= log.slow_request_ms= log.audit='

    case $prev in
        --config | -c)
            _filedir toml
            return
            ;;
        --set | -s)
            case $cur in
                log.level=*) mapfile -t COMPREPLY < <(compgen -P log.level= -W 'trace debug info warning error off' -- "${cur#*=}") ;;
                kv.durability=*) mapfile -t COMPREPLY < <(compgen -P kv.durability= -W 'always everysec none' -- "${cur#*=}") ;;
                kv.reads=*) mapfile -t COMPREPLY < <(compgen -P kv.reads= -W 'durable undurable' -- "${cur#*=}") ;;
                kv_server.tls.clients=*) mapfile -t COMPREPLY < <(compgen -P kv_server.tls.clients= -W 'none optional required' -- "${cur#*=}") ;;
                kv_server.tls.*=* | mesh.key=* | mesh.security=* | log.audit=*) mapfile -t COMPREPLY < <(compgen -P "${cur%%=*}=" -f -- "${cur#*=}") ;;
                state_dir=*) mapfile -t COMPREPLY < <(compgen -P state_dir= -d -- "${cur#*=}") ;;
                mesh.insecure=*) mapfile -t COMPREPLY < <(compgen -P mesh.insecure= -W 'true false' -- "${cur#*=}") ;;
                *) mapfile -t COMPREPLY < <(compgen -W "$keys" -- "$cur") ;;
            esac
            [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace
            return
            ;;
    esac
    if [[ $cur != -* ]]; then
        _filedir toml
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W '--config --set --check-config --accept-loss --version --help -c -s -h' -- "$cur")
} && complete -F _kvmesh_node kvmesh-node
