# The pages where things and people are managed.

## What they share

edit = Edit
name = Name
name-hint = Small letters, digits and hyphens, at most 63. It stands in addresses and files, and stays as it is.
title = Title
details = Details
yes = yes
no = no
none = nothing
archived = archived
archived-since = Archived since
archive = Archive…
restore = Bring back
list-which = In use or archived
list-in-use = In use
list-archived = Archived
list-more = More
list-none-archived = Nothing is archived.
list-none-archived-why = What is archived stays readable and can be brought back.
row-add = Another role
row-remove = Remove
wrong-line = Line { $line }: { $text }
newer = Somebody else saved this while you did
newer-by = { $who } saved this while you did, { $at }
newer-at = A program saved this while you did, { $at }
newer-what = Your input is kept below. Saving it now replaces what stands there at present:
newer-same = What you see here is as it was; something else about it changed.
newer-rule = { $group } × { $count }
asked-again = { $count ->
    [one] One release is open here: { $names }.
   *[other] { $count } releases are open here: { $names }{ $more ->
        [0] .
       *[other] {" "}and { $more } more.
    }
} { $count ->
    [one] If this changes what was signed, everybody is asked for it again.
   *[other] If this changes what was signed, everybody is asked for them again.
}
length-milliseconds = { $milliseconds } ms
notice-made = Made.
notice-archived = Archived. It stays readable, and can be brought back.
notice-restored = It is in use again.

## Settings

settings-lead-admin = What is deployed, where, and who has a say in it.
settings-lead = You can look at what is here. { $names } can change it.
settings-count = { $count } in use
settings-clusters-sick = Needs a look: { $names }

## Services

services = Services
services-why = What people deploy, and which workload it is in each environment.
services-search = Title, name or repository
services-none = No service yet.
services-none-why = A service is an image repository, and the workload that runs its images in each environment.
service-new = New service
service-new-lead = What is deployed, and where its images come from. Its targets come next.
service-edit = Edit the service
service-make = Make the service
service-title-hint = What people call it.
service-repository = Image repository
service-repository-hint = Registry and path without a tag, such as registry.example.com/shop/checkout. Images that CI registers from there belong to this service.
service-owner = Owner
service-no-owner = no group
service-owner-hint = The group to ask about it. Owning gives nobody a right.
service-public = On public pages
service-public-tick = Public pages may name it
service-public-hint = The announcement of a public window then lists it.
service-targets = Targets
service-targets-in = Targets in
service-nowhere = nowhere yet
service-images = Latest images
service-images-all = All images
service-images-none = No image was registered from this repository yet.
service-releases = Latest releases
service-releases-none = Nothing was released yet.
service-archive-why = It disappears from the board, and nobody can request a release of it. Its releases stay readable. While one is open it cannot be archived.
service-archive = Archive this service
service-restore-why = This service is archived: nobody can request a release of it.
service-restore = Bring this service back

targets-none = No target yet.
targets-none-why = A target says which workload the service is in an environment. Releases can be requested where there is one.
targets-none-here = None in use here.
targets-archived = Archived targets
target-add = Add a target
target-new-lead = which workload is it, and where?
target-edit = Edit the target
target-namespace = Namespace
target-kind = Kind
target-name = Name of the workload
target-name-hint = As kubectl names it. It has to be there already: a release changes its image, and makes nothing.
target-containers = Containers
target-containers-hint = Those that get the image, separated by commas. Other containers keep theirs.
target-no-environment = There is no environment to put it in.
target-no-environment-why = Make one first; it says who has to agree before anything goes out there.
target-no-cluster = This environment has no cluster yet, so nothing can be released here.
target-cluster-not-seen = The portal has not looked at this cluster yet.
target-cluster-unseen = The portal could not look at it: { $why }
target-managed = { $tool } manages this workload and will put back what a release changes. Have it leave the image alone, or let it deploy.
target-rights-missing = The cluster's credential may not: { $rights }.
target-archive-why = Releases no longer change this workload; the workload itself stays as it is. Open releases of this service here are planned again, and everybody is asked again.
target-archive = Archive this target
target-restore-why = This target is archived: releases do not change its workload.
target-restore = Bring this target back
notice-target-added = The target is added. The portal looks at its cluster again.
notice-target-archived = The target is archived.
notice-target-restored = The target is in use again.

## Environments

environment = Environment
environments = Environments
environments-why = Places to deploy to, in the order things are promoted, each with its policy.
environments-none = No environment yet.
environments-none-why = An environment is a place with a policy: who has to agree before anything goes out there.
environment-new = New environment
environment-new-lead = A place to deploy to, and who has to agree before anything goes out there.
environment-edit = Edit environment and policy
environment-make = Make the environment
environment-place = The place
environment-title-hint = What people call it, such as Production.
environment-no-cluster = no cluster yet
environment-cluster-hint = Where it deploys to.
environment-no-cluster-why = Nothing can be released here before it has one.
environment-rank = Place in the order
environment-rank-short = place
environment-rank-hint = Smaller numbers come first on the board.
environment-open = Open releases
environment-targets = Targets
environment-targets-none = No service has a target here yet.
environment-archive-why = It disappears from the board, and nobody can request a release for it. While a release is open here it cannot be archived.
environment-archive = Archive this environment
environment-restore-why = This environment is archived: nothing can be requested for it.
environment-restore = Bring this environment back

policy = Policy
policy-version = Version of the policy
policy-nobody = Nobody has to agree before something goes out here.
policy-nobody-short = nobody
policy-somebody = People have to agree before something goes out here.
policy-all-of = All of these have to agree; each person counts once:
policy-who = who
policy-rule = { $count ->
    [one] one person of { $group }
   *[other] { $count } people of { $group }
}
policy-rule-short = { $count ->
    [0] Nobody active is in it, so this can never be met.
    [one] Only one active person is in it, so this can never be met.
   *[other] Only { $count } active people are in it, so this can never be met.
}
policy-neither-signs = Whoever asks for a release does not sign it, and neither does an author of its commits.
policy-requester-signs = Whoever asks for a release may sign it; an author of its commits may not.
policy-author-signs = An author of the commits may sign a release; whoever asks for it may not.
policy-both-sign = Whoever asks for a release may sign it, and so may an author of its commits.
policy-validity = A sign-off holds for { $length }.
policy-fresh = Signing asks for the password when the last sign-in is more than { $length } ago.
policy-unknown-allow = An image with an author whom nobody can be matched to may go out; the release says so.
policy-unknown-block = An image with an author whom nobody can be matched to waits until an administrator says who it is.
policy-starts = { $count ->
    [one] A release starts in one way: { $modes }.
   *[other] A release starts in one of { $count } ways: { $modes }.
}
policy-deadline = A rollout that takes longer than { $length } has failed.
policy-deadline-own = A rollout has failed a minute after the workload's own progress deadline.
policy-watch = New pods have to serve for { $length } without a restart before it counts as a success.
policy-watch-none = It counts as a success as soon as the new pods serve.
policy-rules = Sign-offs
policy-rules-hint = All of these are needed; each person counts once. Without a row nobody has to agree.
policy-no-groups = There is no group to ask yet.
policy-rule-none = nobody (no rule)
policy-rule-count = How many of them
policy-rule-add = Another rule
policy-requester-may = Whoever asks for a release may sign it
policy-author-may = An author of its commits may sign it
policy-author-may-hint = Both are off where nobody should wave through their own work.
policy-unknown = Authors whom nobody can be matched to
policy-unknown-blocks = The release waits until an administrator says who it is
policy-unknown-allows = The release may go out, and says so
policy-validity-hours = Hours for which a sign-off holds
policy-validity-hint = 336 hours are two weeks.
policy-fresh-tick = Signing asks for the password when the last sign-in is a while ago
policy-start = Start and rollout
policy-start-modes = How a release may start
policy-by-hand-why = An operator starts it, inside its window if it has one.
policy-at-opening-why = The portal starts it when its window opens, or as soon after as nothing is missing.
policy-when-signed-why = The portal starts it when the last sign-off is in.
policy-deadline-seconds = Longest rollout, in seconds
policy-deadline-hint = Empty: a minute more than the workload's own progress deadline.
policy-watch-seconds = Watched for, in seconds
policy-watch-hint = So long new pods have to serve without a restart.

## Clusters

cluster = Cluster
clusters = Clusters
clusters-why = Kubernetes clusters that the portal can reach, each with its sealed credential.
clusters-none = No cluster yet.
clusters-none-why = Make one, hand in a kubeconfig, and confirm what the portal sees with it.
cluster-new = New cluster
cluster-new-lead = What to call it. Its credential comes next.
cluster-edit = Edit the cluster
cluster-make = Make the cluster
cluster-title-hint = What people call it.
cluster-no-environment = no environment
cluster-no-environment-why = No environment deploys to this cluster. Choose it on the page of an environment.
cluster-places = Environments here
cluster-look = Check now
cluster-seen = What the portal sees
cluster-looking = Looking…
cluster-looking-why = The portal reaches for the cluster. This page shows what it finds.
cluster-looked = Looked at
cluster-version = Version
cluster-kubernetes = Kubernetes { $version }
cluster-identity = The cluster knows us as
cluster-identity-none = it does not say
cluster-latency = Answered in
cluster-managed = { $tool } manages { $workload } and will put back what a release changes. Have it leave the image alone, or let it deploy.
cluster-archive-why = Its credential is destroyed. A cluster that an environment deploys to cannot be archived.
cluster-archive = Archive this cluster
cluster-restore-why = This cluster is archived. It comes back without a credential.
cluster-restore = Bring this cluster back

health-no-cluster = no cluster
health-no-credential = no credential
health-unconfirmed = to be confirmed
health-expired = credential ended
health-expires = credential ends soon
health-unreachable = unreachable
health-unreachable-since = It has not answered since { $at }.
health-not-seen = not looked at yet
health-rights = rights missing
health-rights-missing = { $count ->
    [one] One right that deployments need is missing.
   *[other] { $count } rights that deployments need are missing.
}
health-reachable = reachable
health-since = It has answered since

rights = What deployments need here
rights-none = Nothing yet: no target is in this cluster.
rights-missing-why = Releases of the targets concerned cannot be carried out. The ready script makes an account that has exactly these rights.
right-what = To
right-on = Right
right-is = Now
right-allowed = allowed
right-missing = missing
right-target = read the target and set its image
right-targets = follow its rollout
right-replicasets = tell new pods from old ones
right-pods = see whether the pods serve
right-events = say why they do not

credential = Credential
credential-none = This cluster has no credential.
credential-none-why = Hand in a kubeconfig. It is sealed at once, and used only after somebody has confirmed what the portal sees with it.
credential-none-archived = It was destroyed when the cluster was archived.
credential-new = A new credential waits
credential-waits = waits for you
credential-unusable = cannot be used
credential-used = The credential in use
credential-server = Server
credential-authority = Authority's key
credential-identity = It says it is
credential-identity-none = it does not say
credential-method = Kind
credential-token = a bearer token
credential-certificate = a client certificate
credential-expiry = Ends
credential-no-end = it names no end
credential-until = { $at }
credential-expires = it ends { $at }
credential-expired = it ended { $at }
credential-renew = Hand in a new one in time: without it nothing can be released here.
credential-context = Context
credential-handed-in = Handed in
credential-confirmed = Confirmed
credential-use = Use this credential…
credential-use-first = Releases of the environments on this cluster are carried out with it from now on. Compare server and authority with what you expect.
credential-use-instead = It takes the place of the one in use, which is destroyed.
credential-use-another = It leads to another cluster than the one in use, which is destroyed. Everything that waits is planned again, and everybody is asked again.
credential-use-now = Use this credential
credential-drop = Drop…
credential-decline-why = This new credential is destroyed. One that is in use stays in use.
credential-decline = Drop the new credential
credential-drop-why = The credential is destroyed, a new one that waits too. Nothing can be released on this cluster until another one is handed in and confirmed.
credential-drop-now = Destroy the credential
credential-hand-in = Hand in a kubeconfig
credential-hand-in-now = Hand it in
credential-lead = It is read here and nowhere else, sealed at once, and never shown again. Nothing in it is carried out.
credential-stays = The credential in use stays in use until you confirm the new one.
credential-how = Where to get one
credential-how-no-targets = Add targets in an environment on this cluster first: then there is a ready script here that makes an account with just the rights they need. Any kubeconfig with a token or a client certificate in it does as well.
kubeconfig = Kubeconfig
kubeconfig-file = Choose a file
kubeconfig-hint = Paste it, or choose the file. It has to hold a token or a client certificate with its key; files that run a command or point to other files are refused.
kubeconfig-context = Which context?
kubeconfig-current = current
kubeconfig-no-server = no server that can be read
script-title = The ready script
script-why = It makes an account with just the rights that the targets here need, and a kubeconfig for it that the portal takes.
script-instead = Run it where kubectl works with this cluster. It makes an account with just the rights that the targets here need, and writes a kubeconfig that the portal takes.
script-download = Download the script
notice-handed-in = It is sealed. The portal looks at the cluster with it.
notice-looking = The portal looks at the cluster.
notice-credential-used = The credential is in use.
notice-credential-dropped = The credential is destroyed.

## Groups

group = Group
groups = Groups
groups-why = People who can sign for something together, and the roles they share.
groups-search = Title or name
groups-none = No group yet.
groups-none-why = A policy asks groups for their sign-off, such as Deployment team or Product.
group-new = New group
group-new-lead = People who can sign for something together. Policies ask groups, never single people.
group-edit = Edit the group
group-make = Make the group
group-title-hint = What people call it, such as Product.
group-members = Members
group-members-tick = Whoever is in the group can sign for it.
group-members-hint = Their logins, one per line.
group-nobody = Nobody is in it.
group-nobody-why = A policy that asks this group waits for ever until somebody is.
group-since = since
group-by = by
group-self-granted = They put themselves in. Their sign-off does not count until somebody else takes them out and puts them in again.
group-asked-in = Asked in
group-not-asked = No policy asks this group.
group-asked = { $count ->
    [one] one of them
   *[other] { $count } of them
}
group-no-roles = Its members get no role from it. They can look where they are asked.
group-archive-why = Its members lose the roles it gives, and it can no longer be asked. A group that a policy asks cannot be archived.
group-archive = Archive this group
group-restore-why = This group is archived: it gives no roles and satisfies no rule.
group-restore = Bring this group back

## Roles

roles = Roles
roles-hint = Signing needs no role: it comes from groups alone.
role = Role
role-where = Where
role-none = no role
everywhere = everywhere
role-everywhere = { $role } everywhere
role-in = { $role } in { $place }
role-viewer = viewer
role-requester = requester
role-operator = operator
role-admin = administrator
role-viewer-does = viewer: looks
role-requester-does = requester: asks for releases
role-operator-does = operator: starts, stops, plans windows
role-admin-does = administrator: manages

## People

people = People
people-why = Who may sign in, and what they may do.
people-search = Name, login or e-mail
people-none = Nobody yet.
people-none-why = Whoever is made here is let in with a one-time link.
person-new = New person
person-new-lead = They are let in with a one-time link, which you make on the next page.
person-edit = Edit the person
person-make = Make the person
person-email = E-mail
person-identities = Commit identities
person-identities-hint = E-mail addresses and logins in their commits, one per line. They tell who wrote what, so that nobody signs for their own work.
person-no-identities = None: their commits count as those of an unknown author.
person-may = What they may do
person-may-nothing = Nothing yet.
person-may-nothing-why = A role or a group gives them something to look at.
person-last = Signed in last
person-never = Has never signed in.
person-since = Since
person-zone-own = the portal's
person-password-set = is set
person-password-none = none: they come in with one-time links
person-locked = Locked until
person-inactive = deactivated
person-inactive-since = Deactivated since
person-no-tokens = No token.
person-deactivate = Deactivate…
person-deactivate-why = Their sessions end, their tokens stop working, and their sign-offs no longer count. Nothing is deleted.
person-deactivate-oneself = This is your own account: you are signed out at once, and another administrator has to let you in again. Nothing is deleted.
person-deactivate-now = Deactivate this account
person-activate-why = This account is deactivated: nobody can sign in with it, and its sign-offs do not count.
person-activate = Activate this account
link-make = Make a one-time sign-in link
link-made = A one-time sign-in link
link-until = works until
link-made-why = It works once and is shown only here. Hand it over in a way that only they can read; earlier links no longer work.
link-handed-over = I have handed it over

## Tokens

token = Token
tokens-why = What programs use instead of a password. Their requests count as yours.
tokens-why-all = What programs use instead of a password: everybody's.
tokens-none = No token yet.
tokens-none-why = CI needs one to register images, and anything else that talks to the API.
token-new = New token
token-new-lead = It is shown once, right after it is made. It may do no more than its person, and never signs off.
token-edit = Edit a token
token-edit-lead = What it may do can only become less; for more, make a new one.
token-make = Make the token
token-is-made = The token is made
token-once = Copy it now: it is shown only here, and stored as a hash.
token-copied = I have copied it
token-title = What it is for
token-title-hint = Such as CI of the shop.
token-person = Person
token-person-hint = Its requests count as theirs.
token-scopes = What it may do
token-scopes-hint = As little as it needs.
token-days = Days until it ends
token-days-hint = 1 to 366.
token-made = made
token-until = until
token-used = used
token-unused = never used
token-works = works
token-ends-soon = ends soon
token-ended = ended
token-revoked = revoked
token-inactive = its person is deactivated
token-revoke = Revoke…
token-revoke-why = Whatever uses it is refused from then on.
token-revoke-now = Revoke it
notice-token-revoked = The token is revoked.
scope-images-write = Register images, as CI does.
scope-releases-write = Request, change and withdraw releases.
scope-releases-read = Read everything its person may look at.
scope-deployments-start = Start, stop and roll back deployments.
scope-windows-write = Plan, announce and move windows.
scope-settings-write = Manage what its person manages: services, environments, groups, people.
