# What the rules, the verbs and the doors say. Sentences about plans, starts and deployments stand in
# a file of their own.

## Refusals

refusal-absent = There is nothing here, or nothing you may look at.
refusal-invalid = Some values are wrong. Nothing was changed.
refusal-lost-race = Somebody else changed this at the same moment. Look at it as it is now, and decide again.
refusal-fault = The portal could not do this. Nothing was changed. The reason is in its log.
refusal-method = This is there, but not for this method.
refusal-needs-person = A person has to do this; the portal itself cannot.
refusal-needs-session = A program cannot do this. A person has to, signed in in a browser.
refusal-not-fresh = It is a while since you signed in. Enter your password once more.
refusal-deactivated = This account is deactivated. An administrator can activate it again.
refusal-no-role = You have no role here yet. An administrator can give you one.
refusal-scope = This token lacks the scope { $scope }. Make a token that has it.
refusal-not-requester = You may look here, but not request releases. An administrator can make you a requester.
refusal-not-operator = You may look here, but not start, cancel or roll back. An administrator can make you an operator.
refusal-not-window-planner = Windows are planned by operators. An administrator can make you one.
refusal-not-admin = Only an administrator can do this.
refusal-not-registrar = Images are registered by people who request or start releases, and by their tokens.
refusal-token-of-another = This token would be somebody else's. An administrator can make it.
refusal-audit = The audit log is for people who look at, operate or administer every environment.
refusal-csrf = The request does not carry the token of your session (X-CSRF-Token). Load the page again, then repeat it.
refusal-foreign-origin = The request was sent by another site. Nothing was changed.

## Names and short texts

name-empty = Nothing was entered.
name-too-long = It has more than { $limit } characters.
name-control-characters = It holds a line break or another control character. Leave it out.
name-not-a-slug = Use 1 to 63 lower-case letters, digits and hyphens, with a letter or digit first and last.
name-not-a-label = Kubernetes names this with 1 to 63 lower-case letters, digits and hyphens, with a letter or digit first and last.
name-not-a-subdomain = Kubernetes names this with lower-case letters, digits, hyphens and dots, at most 253 characters.
name-not-a-login = Use 1 to 64 lower-case letters, digits and the characters . _ - + @.
name-not-an-email = This is not an e-mail address.
name-not-a-link = This is not a link that begins with https:// or http://.
name-not-of-address = The name is not the one in the address. A name stays as it is.
number-not-a-number = This is not a whole number.
number-out-of-range = Use a whole number from { $least } to { $most }.
list-too-long = There are more than { $most } entries.

## Times

time-not-rfc3339 = This is not a time such as 2026-11-26T20:00:00Z.
time-not-a-time = This is not a time such as 2026-11-26T20:00.
time-unknown-zone = There is no time zone { $zone }. Use an IANA name such as Europe/Berlin.
time-end-before-start = The end is not after the start.
time-does-not-exist = This time does not exist in { $zone }: the clocks go forward over it.
time-happens-twice = This time happens twice in { $zone }, because the clocks go back. Say which: { $first } or { $second }.
time-offset-not-of-zone = { $zone } does not have this offset at that time.

## Signing in

sign-in-refused = Login or password is wrong.
sign-in-locked = Too many attempts failed. Try again after { $until }.
link-gone = This link was used, has run out, or was replaced by a newer one.
password-wrong = This is not your password.
password-too-short = A password has at least { $least } characters.
password-too-long = A password has at most { $most } characters.
password-holds-login = The login must not be part of the password.
api-nobody = Nobody is signed in. Send a session's cookie, or a token as `Authorization: Bearer`.
token-refused = This token is not valid: it is unknown, was taken back, or its person is deactivated.
token-expired = This token ran out on { $at }.
token-scope-more = It may not do this now. Make a new token.
token-works-no-more = It works no more, so there is nothing to change.
token-no-scopes = Choose at least one scope.
scope-unknown = There is no scope { $scope }.

## People, groups, roles

role-unknown = There is no such role. Use viewer, requester, operator or admin.
person-unknown = There is no person with the login { $login }.
group-unknown = There is no group { $name }.
identity-taken = { $identity } belongs to { $owner } already.
conflict-last-administrator = Somebody has to administer the portal. Give another person the role first.
conflict-person-deactivated = The account is deactivated. Activate it first.
conflict-group-asked = A policy asks this group. Change that policy first.

## Things that are managed

conflict-exists = There is one of this name already.
conflict-edited-meanwhile = Somebody edited this while you did. Look at the newer state, and repeat your change if it still fits.
conflict-releases-open = { $count ->
    [one] { $releases } still needs it. Withdraw or finish it first.
   *[other] { $releases } still need it. Withdraw or finish them first.
}
conflict-cluster-in-use = An environment deploys to this cluster. Give it another one first.
environment-unknown = There is no environment { $name }.
service-unknown = There is no service { $name }.
cluster-unknown = There is no cluster { $name }.
credential-gone = This credential was replaced or dropped. Look at the newer one.
credential-not-probed = The portal has not reached the cluster with this credential yet.
target-no-containers = Name at least one container.
target-taken = { $workload } is a target of { $service } already.
target-environment-stays = A target stays in its environment. Make another target there.
workload-kind-unknown = Only a Deployment can be a target.

## Policies

rule-group-twice = { $name } is asked twice. Put both into one rule.
start-mode-unknown = There is no such start mode. Use by_hand, at_opening or when_signed.
start-mode-not-allowed = The environment's policy does not allow this start mode.
start-modes-none = Allow at least one start mode.
unknown-author-unknown = Use allow or block.

## Images

image-not-a-repository = This is not a repository such as registry.example.com/shop/checkout, without tag and digest.
image-not-a-digest = This is not a digest: sha256: and 64 lower-case hex digits.
image-not-a-tag = This is not a tag: at most 128 letters, digits and the characters . _ -.
image-not-a-commit = This is not a commit id: 7 to 64 hex digits.
image-not-an-identity = This is neither an e-mail address nor a login.
image-tag-without-digest = A tag is no name for an image, because it can move. Send the digest that the push printed.
image-unknown = There is no such image here. Have CI register it first.
image-of-another-service = This image is not from the service's repository { $repository }.

## Releases

release-no-target = { $service } has no target in { $environment }. An administrator can add one.
release-rejected-before = { $release } was rejected with this image. Only a person can ask for it again.
release-not-open = The release is { $state }; it cannot be changed any more.
start-needs-window = To start at the opening it needs a window.
start-takes-no-window = To start when signed it takes no window.
state-unknown = There is no such state.

## Why decisions are void

revised-requested = Requested.
revised-by-person = Start or note was changed.
revised-plan-again = It was planned again.
revised-policy = The environment's policy was edited.
revised-cluster = The environment deploys to another cluster now.
revised-targets = The targets were edited.
revised-evidence = CI sent new evidence about the image.
revised-tag-moved = The tag { $tag } moved to another image.
revised-window-moved = The window { $title } was moved.

## Sign-off

refusal-window-of-others = Releases on its agenda go to an environment that you do not operate. An operator there moves it or calls it off.
token-settings-of-another = A token that changes settings is made by its own person.
cluster-shares-workload = { $workload } is a target of another environment on that cluster already.
identity-own-removal = Another administrator takes a commit identity away from you.
refusal-image-of-others = An open release of this image goes to an environment in which you neither request nor start. What is known of it is changed by somebody who does.
signoff-stale = Something else is there now than what you saw. Look at it, and decide again.
signoff-already = You have signed this already, and it counts.
signoff-not-planned = It is not planned yet, so there is nothing to sign.
signoff-not-allowed = You cannot sign this. { $why }
signoff-not-a-hash = This is not a content hash: 64 lower-case hex digits, as the release shows it.
reject-not-member = Only people in a group that is asked can reject it.
reject-needs-reason = Say why, so that others know what to change.
discount-requester = Whoever asks for a release does not sign it.
discount-author = Whoever wrote part of it does not sign it.
discount-not-member = Not in a group that is asked.
discount-deactivated = The account is deactivated.
discount-self-granted = Put into the group by themselves.
discount-granted-after-request = Put into the group after the request, by who asked for it or wrote part of it.
discount-expired = Signed longer ago than a sign-off holds here.
discount-other-content = Signed something else than what is there now.

## Windows

window-unknown = There is no such window.
window-in-the-past = This is in the past.
window-too-long = A window lasts at most { $days } days.
window-is-over = The window is over.
window-is-cancelled = The window was called off.
window-already-announced = The window was announced already.

## What comes with a request

body-broken = The body broke off.
body-too-large = The body is larger than { $limit } KiB.
json-content-type = Send JSON, with the content type application/json.
json-syntax = The JSON cannot be read at line { $line }, column { $column }.
json-missing-field = The field { $field } is missing.
json-unknown-field = There is no field { $field } here.
json-unknown-variant = This is not one of the values that are possible here.
json-wrong-type = This is of another type than expected.
cursor-unknown = This cursor is not one that a list gave.
query-nul = A query holds no NUL character.
idempotency-key-unfit = An Idempotency-Key has 1 to 255 visible ASCII characters.
idempotency-other-body = This Idempotency-Key came with another request before. Use a new one.
