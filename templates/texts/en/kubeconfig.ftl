# Reading YAML, judging an uploaded kubeconfig, and judging where a cluster is.
# No sentence here may be given text of the upload: lines, names of fields, dates.

## YAML

yaml-too-large = The file is larger than { $limit } KiB. Leave out what is not needed here.
yaml-not-text = Line { $line } holds bytes that are not plain text in UTF-8. PowerShell's `>` writes UTF-16: use `| Out-File -Encoding utf8` there, and upload the new file.
yaml-syntax = The file cannot be read as YAML near line { $line }. Check the indentation (spaces, never tabs), the quotes and the brackets there.
yaml-empty = The file is empty.
yaml-too-many-documents = Another document begins on line { $line } (`---`). { $limit ->
    [one] Put one document into the file.
   *[other] Put at most { $limit } documents into the file.
}
yaml-too-deep = Line { $line } is nested more than { $limit } levels deep.
yaml-too-many-nodes = The file holds more than { $limit } values; line { $line } is past the end.
yaml-anchor = Line { $line } has an anchor or an alias (`&name`, `*name`). Write the value out in each place it is needed.
yaml-tag = Line { $line } has a tag (`!name`). Leave it out: plain values are enough here.
yaml-merge-key = Line { $line } has a merge key (`<<`). Write the fields out.
yaml-duplicate-key = The field on line { $line } is there a second time. Keep one of the two: programs differ in which one they take.
yaml-key-not-text = The name of the field on line { $line } is not text. If it is meant to be, put it in quotes.
yaml-number = The number on line { $line } is read differently by different programs: it begins with a zero, or is too large. If text is meant, put it in quotes; otherwise write it as a plain decimal number.

## Addresses

address-loopback = { $address } is the portal's own machine. A cluster may be there only if the operator has started the portal with that allowance; otherwise use an address that the cluster has in the network.
address-unspecified = { $address } is no address of a machine. Some tools write it for a cluster on one's own computer: put the address there under which the portal reaches the cluster.
address-link-local = { $address } counts only inside one network segment. Use an address that the cluster has in the network.
address-metadata = { $address } belongs to a cloud's own service for its machines, not to a cluster. Use the address of the Kubernetes API.
address-multicast = { $address } stands for many machines at once. Use the address of the Kubernetes API.

## The shape of a kubeconfig

kubeconfig-not-one = This is not a kubeconfig. One has `kind: Config` and lists of clusters, users and contexts; `kubectl config view --raw --minify --flatten` prints one.
kubeconfig-not-a-list = `{ $field }` on line { $line } must be a list. In an intact kubeconfig it is: export the file again with `kubectl config view --raw --minify --flatten`.
kubeconfig-not-fields = `{ $field }` on line { $line } must hold fields of its own. Check its indentation, or export the file again with `kubectl config view --raw --minify --flatten`.
kubeconfig-not-text = `{ $field }` on line { $line } must be text. If it looks like a number or a yes or no, put it in quotes.
kubeconfig-name-absent = An entry of `{ $field }` on line { $line } has no name.
kubeconfig-name-unfit = The name on line { $line } must be one line of at most 256 characters, without blanks around it and without a colon before a blank.
kubeconfig-name-twice = `{ $field }` has two entries of one name, the second on line { $line }. Programs differ in which one they take: remove one, or export a single context with `kubectl config view --raw --minify --flatten`.
kubeconfig-no-context = The file has no context, so nothing says which user goes with which cluster. Export it again with `kubectl config view --raw --minify --flatten`.
kubeconfig-pick-context = The file has { $count } contexts. Pick the one to use; only that one is kept.
kubeconfig-context-absent = The context that was picked is not in this file. Pick one that is.
kubeconfig-cluster-absent = The picked context names a cluster that is not in this file. Export both together with `kubectl config view --raw --minify --flatten`.
kubeconfig-user-absent = The picked context names a user who is not in this file. Export both together with `kubectl config view --raw --minify --flatten`.
kubeconfig-field-absent = `{ $field }` is missing in the entry on line { $line }.
kubeconfig-field-empty = `{ $field }` on line { $line } is empty. Fill it in, or export the file again with `kubectl config view --raw --minify --flatten`.
kubeconfig-unknown-field = `{ $field }` on line { $line } is not a field that the portal knows, so it cannot tell what would go wrong without it. Remove it, or correct its spelling.
kubeconfig-unknown-name = Line { $line } has a field that the portal does not know, so it cannot tell what would go wrong without it. Remove it, or correct its spelling.
kubeconfig-namespace = The namespace on line { $line } is not a name that Kubernetes allows: small letters, digits and hyphens, at most 63.

## How the user logs in

kubeconfig-exec = This file logs in by running a command (`exec`, line { $line }), as files of managed clusters do. The portal runs no commands that come in a file. The script below makes an account for just these targets and a file that works without one: run it where your kubectl works, and upload what it writes.
kubeconfig-auth-provider = This file logs in with a plug-in (`auth-provider`, line { $line }), which can run commands and which Kubernetes has given up. The script below makes an account for just these targets and a file that works without one: run it where your kubectl works, and upload what it writes.
kubeconfig-local-file = Line { $line } names a file on your computer, which the portal cannot and must not open. `kubectl config view --raw --minify --flatten` puts its content into the file as `{ $instead }`: upload what that prints.
kubeconfig-token-file = Line { $line } names a file with a token (`tokenFile`), which the portal cannot and must not open. The script below makes an account for just these targets and a file with its own token.
kubeconfig-password = Line { $line } logs in with a user name and a password, which Kubernetes no longer takes. Use a token or a client certificate; the script below makes a token for just these targets.
kubeconfig-impersonation = Line { $line } has the user act as somebody else. The portal acts only as the account it is given: make one with the rights it needs; the script below does.
kubeconfig-no-credential = The user on line { $line } has neither a token nor a client certificate. `kubectl config view` leaves secrets out: use it with `--raw`.
kubeconfig-two-credentials = The user on line { $line } has both a token and a client certificate, so it would not be clear whom the cluster sees. Remove one of them, or use the script below: it makes an account for just these targets.
kubeconfig-token-characters = The token on line { $line } has blanks, line breaks or characters that no token has. Copy it again, as one piece.
kubeconfig-token-too-long = The token on line { $line } is longer than { $limit } KiB, which no server takes. Copy it again.
kubeconfig-token-expired = The token on line { $line } ended on { $at }. Make a new one and upload the file again.
kubeconfig-certificate-absent = The user on line { $line } has a key (`client-key-data`) without its certificate (`client-certificate-data`). Both are needed.
kubeconfig-key-absent = The user on line { $line } has a certificate (`client-certificate-data`) without its key (`client-key-data`). Both are needed; `kubectl config view` leaves keys out, so use it with `--raw`.
kubeconfig-certificate-unreadable = `client-certificate-data` on line { $line } is not a certificate in PEM in base64. Export the file again with `kubectl config view --raw --minify --flatten`.
kubeconfig-certificate-expired = The client certificate on line { $line } ended on { $at }. Have a new one made and upload the file again.
kubeconfig-key-unreadable = `client-key-data` on line { $line } is not a private key in PEM in base64. Export the file again with `kubectl config view --raw --minify --flatten`.
kubeconfig-key-encrypted = The private key on line { $line } is protected with a passphrase, and nobody is there to type it when a release starts. Use a token; the script below makes one for just these targets.
kubeconfig-key-unsupported = The private key on line { $line } is of a kind that is not used here. RSA from 2048 bits, ECDSA on P-256 or P-384, and Ed25519 are.
kubeconfig-key-of-another = The private key does not belong to the client certificate on line { $line }. Export both together.

## The cluster

kubeconfig-server-scheme = The server on line { $line } must begin with `https://`.
kubeconfig-server-http = The server on line { $line } is reached over plain http: anyone on the way could read the token and change what is deployed. Use the cluster's https address.
kubeconfig-server-userinfo = The server on line { $line } has a user name or a password in it. Write only the address; the user logs in with a token or a client certificate.
kubeconfig-server-query = The server on line { $line } has a `?` or a `#` in it. Write only the address, and its path if it has one.
kubeconfig-server-host = The server on line { $line } has no host that can be read in one way only: a DNS name, an IPv4 address such as 203.0.113.7, or an IPv6 address in brackets.
kubeconfig-server-port = The port of the server on line { $line } must be a number from 1 to 65535.
kubeconfig-server-path = The path of the server on line { $line } must be plain: letters, digits and `-._~:@` between single slashes, at most 256 characters.
kubeconfig-tls-server-name = `tls-server-name` on line { $line } is neither a DNS name nor an IP address.
kubeconfig-skip-verify = Line { $line } turns the check of the cluster's certificate off (`insecure-skip-tls-verify`): then anyone could pretend to be the cluster. Remove the line and put the authority's certificate into `certificate-authority-data`.
kubeconfig-proxy = Line { $line } goes through a proxy (`proxy-url`). The portal connects to the cluster itself and uses no proxy that a file names. Remove the line, and make sure that the portal reaches the cluster.
kubeconfig-authority-absent = The cluster on line { $line } does not say who vouches for its certificate. Put the authority's certificate in PEM in base64 into `certificate-authority-data`; for a public authority, its root certificate.
kubeconfig-authority-unreadable = `certificate-authority-data` on line { $line } is not at least one certificate in PEM in base64. Export the file again with `kubectl config view --raw --minify --flatten`.
kubeconfig-authority-expired = The certificate of the cluster's authority on line { $line } ended on { $at }. Export the file again, from where kubectl still works with this cluster.

## The ready script

kubeconfig-script-no-targets = There is nothing to make an account for yet: add a target in this cluster first.
