#!/bin/sh
# Makes an account for Tidegate in the cluster that kubectl works with now, and writes a kubeconfig
# for it that holds a token and runs no command. The account may do what releases to these targets
# need, and nothing else:
#
{%- for target in targets %}
#   {{ target }}
{%- endfor %}
#
#   sh least-privilege.sh            writes tidegate.kubeconfig, readable by you alone
#   sh least-privilege.sh FILE       writes FILE
#   sh least-privilege.sh -          writes to standard output
#
# The token lasts {{ lifetime }} hours, or as long as the cluster allows: the API server may shorten
# it, and managed clusters often do. The end it got is printed. Ask for another with
# TIDEGATE_TOKEN_LIFETIME=24h before the command.
#
# Running it again changes nothing but the token; older tokens stay good until their end. To take
# everything back, and all tokens with it:
#
{%- for space in spaces %}
#   kubectl delete role,rolebinding {{ account }} --namespace {{ space.name }}
{%- endfor %}
#   kubectl delete serviceaccount {{ account }} --namespace {{ home }}
set -eu
umask 077
# Ranges such as A-Z mean the same letters everywhere.
LC_ALL=C
export LC_ALL

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

account={{ account }}
home={{ home }}
lifetime=${TIDEGATE_TOKEN_LIFETIME:-{{ lifetime }}h}
out=${1:-tidegate.kubeconfig}
[ $# -le 1 ] || fail 'Name one file to write, or none.'

command -v kubectl >/dev/null 2>&1 || fail 'kubectl is not here. Run this where kubectl works with the cluster.'
kubectl create token --help >/dev/null 2>&1 || fail 'This kubectl cannot make tokens. Version 1.24 or newer can.'

# The cluster of the current context: its address, and who vouches for it.
cluster() { kubectl config view --raw --minify --flatten --output "jsonpath={.clusters[0].cluster.$1}"; }
server=$(cluster server) || fail 'kubectl has no current context. Choose one with: kubectl config use-context NAME'
authority=$(cluster certificate-authority-data) || fail 'The authority of the cluster cannot be read; kubectl says why above.'
name=$(cluster tls-server-name) || name=
proxy=$(cluster proxy-url) || proxy=

case $server in
  *[!][A-Za-z0-9:/._~@-]*) fail 'The address of the cluster has characters that Tidegate does not take.' ;;
  https://*) ;;
  *) fail 'The cluster of this context is not reached over https, which Tidegate needs.' ;;
esac
case $authority in
  '') fail 'This context does not say who vouches for the cluster. Put the certificate of its authority into it with: kubectl config set-cluster NAME --certificate-authority=FILE --embed-certs=true' ;;
  *[!A-Za-z0-9+/=]*) fail 'The certificate of the authority in this context cannot be read.' ;;
  *) ;;
esac
case $name in
  *[!A-Za-z0-9:._-]*) fail 'The tls-server-name of this context has characters that no name has.' ;;
  *) ;;
esac
[ -z "$proxy" ] || say 'This context goes through a proxy, which Tidegate will not use: make sure that the portal reaches the cluster without it.'

say "Making the account $account in the cluster at $server."
kubectl apply --filename - >&2 <<'END' || fail 'The account could not be made; kubectl says why above. It takes rights to make service accounts, roles and role bindings in each of the namespaces, which must exist.'
apiVersion: v1
kind: ServiceAccount
metadata:
  name: "{{ account_name }}"
  namespace: "{{ home_name }}"
automountServiceAccountToken: false
{%- for space in spaces %}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: "{{ account_name }}"
  namespace: "{{ space.plain }}"
rules:
{%- for right in space.rights %}
- apiGroups: ["{{ right.group }}"]
  resources: ["{{ right.resource }}"]
  verbs: [{% for verb in right.verbs %}"{{ verb }}"{% if !loop.last %}, {% endif %}{% endfor %}]
  {%- if !right.names.is_empty() %}
  resourceNames: [{% for name in right.names %}"{{ name }}"{% if !loop.last %}, {% endif %}{% endfor %}]
  {%- endif %}
{%- endfor %}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: "{{ account_name }}"
  namespace: "{{ space.plain }}"
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: "{{ account_name }}"
subjects:
- kind: ServiceAccount
  name: "{{ account_name }}"
  namespace: "{{ home_name }}"
{%- endfor %}
END

answer=$(kubectl create token "$account" --namespace "$home" --duration "$lifetime" \
  --output 'jsonpath={.status.expirationTimestamp} {.status.token}') ||
  fail 'The token could not be made; kubectl says why above. A lifetime is written like 24h and is at least 10m.'
ends=${answer%% *}
token=${answer#* }
case $token in
  '' | *[!A-Za-z0-9._-]*) fail 'The cluster gave no token that can be used.' ;;
  *) ;;
esac

file=$(mktemp) || fail 'No temporary file can be made.'
trap 'rm -f "$file"' EXIT
trap 'exit 1' HUP INT TERM
{
  printf '%s\n' 'apiVersion: v1' 'kind: Config' 'clusters:' '- name: cluster' '  cluster:'
  printf '    server: "%s"\n' "$server"
  printf '    certificate-authority-data: "%s"\n' "$authority"
  [ -z "$name" ] || printf '    tls-server-name: "%s"\n' "$name"
  printf '%s\n' 'users:' "- name: \"$account\"" '  user:'
  printf '    token: "%s"\n' "$token"
  printf '%s\n' 'contexts:' "- name: \"$account\"" '  context:' '    cluster: cluster'
  printf '    user: "%s"\n' "$account"
  printf '    namespace: "%s"\n' "$home"
  printf 'current-context: "%s"\n' "$account"
} >"$file"

# What was just granted can take a moment to count.
may() {
  tries=0
  until kubectl --kubeconfig "$file" auth can-i "$1" "$2" --namespace "$3" --quiet; do
    tries=$((tries + 1))
    [ "$tries" -lt 10 ] || fail "The new account may not $1 $2 in $3. If kubectl says above that it is not logged in, the address of this context takes no tokens of the cluster's own accounts: use a context with the cluster's own address."
    sleep 1
  done
}
{%- for check in checks %}
may {{ check.verb }} {{ check.object }} {{ check.namespace }}
{%- endfor %}

if [ "$out" = - ]; then
  cat "$file"
else
  rm -f "$out.new"
  cat "$file" >"$out.new" || fail "$out.new cannot be written."
  mv -f "$out.new" "$out" || fail "$out cannot be written."
  say "Written: $out. Upload it to Tidegate, then delete it."
fi
say "Its token ends at $ends."
