# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # some names are set here for the caller, some by it
# What up, down and part share. The caller sets `dir` to the cluster's folder,
# as an absolute path without symbolic links.
#
#   env           shell assignments that describe the cluster (CLUSTER_…)
#   kubeconfig    cluster administrator
#   pids/PART     process number
#   started/PART  the kernel's start time of that process, so that another
#                 process that came to bear its number is left alone
#   log/PART.log
#   ended         exists once `down` has begun: nothing may be started any more

parts=(etcd apiserver controller-manager scheduler kwok)

program_of() {
  case $1 in
    etcd | kwok) printf '%s\n' "$1" ;;
    apiserver | controller-manager | scheduler) printf 'kube-%s\n' "$1" ;;
    *) return 1 ;;
  esac
}

say() { printf 'cluster %s: %s\n' "${0##*/}" "$*" >&2; }
fail() { say "$*"; exit 1; }

# --- processes ---------------------------------------------------------------

# look_at PID: sets proc_state and proc_started; fails if there is no such process.
look_at() {
  local stat='' fields
  { IFS= read -r -d '' stat <"/proc/$1/stat"; } 2>/dev/null || true
  [[ -n $stat ]] || return 1
  # The second field is a name in parentheses that may hold anything.
  read -r -a fields <<<"${stat##*) }"
  proc_state=${fields[0]}
  proc_started=${fields[19]}
}

# alive PID STARTED: is that very process still there? A zombie is not.
alive() {
  [[ $1 =~ ^[1-9][0-9]*$ ]] && look_at "$1" &&
    [[ $proc_started == "$2" && $proc_state != [ZXx] ]]
}

# running PART: sets part_pid; fails if the part does not run.
running() {
  local pid='' started='' exe program
  { read -r pid <"$dir/pids/$1" && read -r started <"$dir/started/$1"; } 2>/dev/null || return 1
  alive "$pid" "$started" || return 1
  exe=$(readlink "/proc/$pid/exe") || return 1
  # The watchdog is a shell, and so is any part that has just been born.
  if [[ $exe != "$(readlink /proc/$$/exe)" ]]; then
    program=$(program_of "$1") || return 1
    [[ ${exe% (deleted)} == "$CLUSTER_BIN/$program" ]] || return 1
  fi
  part_pid=$pid
}

# shellcheck disable=SC2016 # this is a program for the shell that becomes the part
birth='
  part=$0 dir=$1 keep=$2
  shift 2
  for fd in /proc/$$/fd/*; do
    fd=${fd##*/}
    if [ "$fd" -gt 2 ] && [ "$fd" != "$keep" ]; then eval "exec $fd>&-"; fi
  done
  IFS= read -r -d "" stat </proc/$$/stat
  read -r -a fields <<<"${stat##*) }"
  printf "%s\n" "${fields[19]}" >"$dir/started/$part" || exit 1
  printf "%s\n" "$$" >"$dir/pids/$part" || exit 1
  [ ! -e "$dir/ended" ] || exit 1
  exec "$@"
'

# launch PART COMMAND...: start a command in a session of its own, with none of
# the caller's files or variables, but for the lock on the cluster's ports.
launch() {
  local part=$1 i
  shift
  [[ ! -e $dir/ended ]] || fail "this cluster has been ended"
  rm -f -- "$dir/pids/$part" "$dir/started/$part"
  (exec setsid env -i PATH="$PATH" HOME="$dir" \
    bash -c "$birth" "$part" "$dir" "${slot_fd:-none}" "$@") \
    </dev/null >>"$dir/log/$part.log" 2>&1 &
  for ((i = 0; i < 500; i++)); do
    if [[ -s $dir/pids/$part ]]; then return 0; fi
    sleep 0.01
  done
  fail "$part could not be started"
}

# --- ports -------------------------------------------------------------------

# A cluster owns a slot: four neighbouring ports, outside the range from which
# the kernel hands out ports. A lock on a file named after the first of them
# says that it is taken. The parts inherit the lock, so it lasts as long as
# one of them lives, and no longer.
slot_size=4
slots=256
locks=/tmp/tidegate-cluster-ports.$UID

# lock_slot FIRST_PORT: sets slot_fd.
lock_slot() {
  mkdir -p -- "$locks"
  exec {slot_fd}>>"$locks/$1"
  flock -n "$slot_fd" && return 0
  exec {slot_fd}>&-
  slot_fd=
  return 1
}

choose_slot() { # sets slot and slot_fd
  local low high first table port hex i n
  read -r low high </proc/sys/net/ipv4/ip_local_port_range
  if ((low - slots * slot_size >= 8192)); then
    first=$((low - slots * slot_size))
  elif ((high + slots * slot_size <= 65535)); then
    first=$((high + 1))
  else
    first=20000
  fi
  n=$((RANDOM % slots))
  for ((i = 0; i < slots; i++)); do
    slot=$((first + (n + i) % slots * slot_size))
    lock_slot "$slot" || continue
    table=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null) || true
    for ((port = slot; port < slot + slot_size; port++)); do
      printf -v hex ':%04X ' "$port"
      [[ $table != *"$hex"* ]] || break
    done
    ((port < slot + slot_size)) || return 0
    exec {slot_fd}>&-
  done
  fail "no free ports between $first and $((first + slots * slot_size - 1))"
}

# --- parts -------------------------------------------------------------------

command_of() { # sets command to the program and flags of a part
  command=("$CLUSTER_BIN/$(program_of "$1")")
  case $1 in
    etcd)
      command+=(
        --name=n0
        --data-dir="$dir/etcd"
        --listen-client-urls="$CLUSTER_ETCD_URL"
        --advertise-client-urls="$CLUSTER_ETCD_URL"
        --listen-peer-urls="http://127.0.0.1:$CLUSTER_ETCD_PEER_PORT"
        --initial-advertise-peer-urls="http://127.0.0.1:$CLUSTER_ETCD_PEER_PORT"
        --initial-cluster="n0=http://127.0.0.1:$CLUSTER_ETCD_PEER_PORT"
        --heartbeat-interval=20
        --election-timeout=200
        --unsafe-no-fsync
        --log-level=warn
      )
      ;;
    apiserver)
      # An address to advertise has to be given and must not be a loopback
      # one; as no reconciler publishes it, any address will do.
      command+=(
        --bind-address=127.0.0.1
        --secure-port="$CLUSTER_API_PORT"
        --advertise-address=198.51.100.1
        --endpoint-reconciler-type=none
        --cert-dir="$dir/certs"
        --etcd-servers="$CLUSTER_ETCD_URL"
        --etcd-prefix="$CLUSTER_ETCD_PREFIX"
        --service-cluster-ip-range=10.96.0.0/16
        --allow-privileged=true
        --authorization-mode=RBAC
        --token-auth-file="$dir/tokens.csv"
        --service-account-issuer=https://kubernetes.default.svc
        --service-account-key-file="$dir/sa.key"
        --service-account-signing-key-file="$dir/sa.key"
      )
      ;;
    controller-manager)
      command+=(
        --kubeconfig="$dir/kubeconfig"
        --secure-port=0
        --leader-elect=false
        --service-account-private-key-file="$dir/sa.key"
        --root-ca-file="$dir/certs/apiserver.crt"
        --kube-api-qps=200
        --kube-api-burst=400
      )
      ;;
    scheduler)
      command+=(
        --kubeconfig="$dir/kubeconfig"
        --secure-port=0
        --leader-elect=false
      )
      ;;
    kwok)
      command+=(
        --kubeconfig="$dir/kubeconfig"
        --config="$dir/stages.yaml"
        --manage-all-nodes=true
        --node-lease-duration-seconds=40
      )
      ;;
  esac
}

start_part() {
  local command
  command_of "$1"
  launch "$1" "${command[@]}"
}

kube() {
  env -i PATH="$PATH" HOME="$dir" \
    "$CLUSTER_BIN/kubectl" --kubeconfig="$dir/kubeconfig" "$@"
}

# wait_until SECONDS PART CONDITION...: fails when the part ends or time is up.
wait_until() {
  local deadline=$((SECONDS + $1)) part=$2
  shift 2
  until "$@"; do
    if ! running "$part"; then
      "$@" && return
      say "$part has ended"
      return 1
    fi
    if ((SECONDS > deadline)); then
      say "$part was not ready in time"
      return 1
    fi
    sleep 0.05
  done
}

port_open() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Both are asked often while they start, so by something lighter than kubectl.
etcd_healthy() {
  (
    local answer=''
    exec 3<>"/dev/tcp/127.0.0.1/$CLUSTER_ETCD_PORT"
    printf 'GET /health HTTP/1.0\r\n\r\n' >&3
    read -r -t 2 -u 3 answer
    [[ $answer == 'HTTP/'*' 200 '* ]]
  ) 2>/dev/null
}

api_ready() {
  local answer=''
  answer=$(
    printf 'GET /readyz HTTP/1.0\r\nAuthorization: Bearer %s\r\n\r\n' "$CLUSTER_TOKEN" |
      timeout 2 openssl s_client -quiet -verify_quiet -verify_return_error \
        -CAfile "$dir/certs/apiserver.crt" -connect "127.0.0.1:$CLUSTER_API_PORT" 2>/dev/null |
      head -n 1
  ) || true
  [[ $answer == 'HTTP/'*' 200 '* ]]
}
