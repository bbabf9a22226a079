# The words of the pages.

## Frame

skip-to-content = Skip to the content
nav-main = Main
nav-board = Board
nav-images = Images
nav-releases = Releases
nav-windows = Windows
nav-audit = Audit
nav-settings = Settings
nav-announcements = Announcements
nav-tokens = Tokens
nav-keys = Keyboard
nav-api = API
nav-sign-in = Sign in
nav-sign-out = Sign out
nav-needed = { $count ->
    [one] 1 needs you
   *[other] { $count } need you
}
keys-title = Keys
keys-close = Close
keys-search = Search
keys-sign = Sign off the release you are looking at
keys-help = These keys
save = Save
search = Search
older = Older
service = Service
release = Release
target = Target
container = container
replicas = replicas
content = content
zone = Time zone
search-nothing = Nothing found.
search-nothing-why = Try fewer words, or look at the whole list.
names = { $names }
names-and-more = { $names } and { $more } more

length-seconds = { $seconds } s
length-minutes = { $minutes } min
length-hours = { $minutes ->
    [0] { $hours } h
   *[other] { $hours } h { $minutes } min
}
length-days = { $days } days
distance-in = in { $length }
distance-now = now
distance-ago = { $length } ago

## What was done

notice-saved = Saved.
notice-signed = Your sign-off is in.
notice-rejected = You rejected this release. It has ended.
notice-started = Started.
notice-cancelled = The deployment is being stopped.
notice-rollback = The way back has started.
notice-withdrawn = Withdrawn.
notice-planning = The cluster is being read again.
notice-password = Your password is changed, and every other session has ended.

## Errors

error-fault = Something went wrong on our side
error-absent = There is nothing here
error-forbidden = This is not for you
error-conflict = That does not fit what is there now
error-invalid = That cannot be read
error-to-board = To the board

## Signing in

sign-in-title = Sign in
sign-in-lead = With the account your administrator made for you.
sign-in-button = Sign in
sign-in-lost = Lost your password? An administrator can give you a one-time link.
link-title = Your sign-in link
link-lead = It works once. Use it only if it was meant for you.
link-button = Sign me in
setup-title = The first account
setup-lead = You will administer this portal, and may request and start releases. Signing off is for groups of people, which you make next.
setup-button = Make the account
person-name = Name
person-login = Login
person-login-hint = Small letters, digits and . _ - @ +
password = Password
password-hint = At least 12 characters. Length is what protects it.
password-present = Your present password
password-new = New password
password-change = Change the password
password-ends-sessions = Every other session of yours ends then.
password-again = Your password, once more
password-again-hint = You signed in a while ago, and this asks for a fresh sign-in.
account-title = Your account
account-zone = Times
account-zone-hint = An IANA name such as Europe/Berlin. Empty: the portal's own zone.

## Board

board-no-window = No window is announced
board-open-releases = { $count ->
    [0] No release is waiting.
    [one] One release is open.
   *[other] { $count } releases are open.
}
board-window-open = { $title } is open
board-window-closes = It closes in { $length } · { $count ->
    [0] nothing on its agenda
    [one] 1 release on its agenda
   *[other] { $count } releases on its agenda
}{ $waiting ->
    [0] {""}
    [one] {" "}· 1 still needs a sign-off
   *[other] {" "}· { $waiting } still need sign-offs
}
board-next-window = Next tide: { $when }
board-window-opens = { $title } opens in { $length } · { $count ->
    [0] nothing on its agenda yet
    [one] 1 release on its agenda
   *[other] { $count } releases on its agenda
}{ $waiting ->
    [0] {""}
    [one] {" "}· 1 still needs a sign-off
   *[other] {" "}· { $waiting } still need sign-offs
}
board-needs-you = Needs your sign-off
board-runs = What runs where
board-empty = Nothing to deploy yet.
board-empty-why = Services and environments appear here once an administrator has made them.
board-unknown = not known yet
board-chip-failed = { $version } failed
board-chip-planning = → { $version } · planning
board-chip-needs = → { $version } · needs { $groups }
board-chip-held = → { $version } · held
board-chip-ready-for = → { $version } · ready for { $at }
board-chip-ready = → { $version } · ready
board-chip-deploying = → { $version } · rolling out
tide-title = Windows of the next seven days
tide-now = now
first-steps-title = Three steps to the first release
first-steps-cluster = Connect a cluster
first-steps-cluster-why = Make it, hand in a kubeconfig and confirm what the portal sees with it.
first-steps-environment = Make an environment
first-steps-environment-why = A place with a policy: who has to agree before anything goes out there.
first-steps-service = Make a service
first-steps-service-why = What is deployed: an image repository, and the workload it is in each environment.

## Releases

release-request = Request a release
release-needs = needs { $groups }
release-waits-for = waits for { $groups }
release-what = What goes where
release-state = State
release-when = When
release-to = to
release-requested-by = Requested by
release-by-token = (with a token)
release-from-run = from the
releases-mine = Needs my sign-off
releases-open = Open
releases-done = Done
releases-search = Service, tag, digest, person or R-42
releases-none-mine = Nothing waits for your sign-off.
releases-none-mine-why = Releases appear here when one of your groups is asked.
releases-none-open = No release is open.
releases-none-open-why = A release begins at the page of an image.
releases-none-done = No release is done yet.
start-by-hand = started by hand
start-at-opening = at the opening of its window
start-when-signed = as soon as it is signed off

state-planning = planning
state-waiting = waiting
state-ready = ready
state-deploying = rolling out
state-succeeded = succeeded
state-failed = failed
state-cancelled = cancelled
state-needs-attention = needs attention
state-rejected = rejected
state-withdrawn = withdrawn
state-superseded = superseded
state-why-planning = The portal reads the cluster to say what will change.
state-why-waiting = It waits.
state-why-ready = Everything is in. It starts when its time comes.
state-why-deploying = The rollout is under way; this page follows it.
state-why-succeeded = The new pods serve.
state-why-failed = The new pods do not serve. The reasons stand with the rollout.
state-why-cancelled = It was stopped. What the cluster holds now stands with the rollout.
state-why-needs-attention = The cluster holds something else than was signed, or it is not known what. Somebody has to look.
state-why-rejected = Somebody did not agree. The image can be requested again by a person.
state-why-withdrawn = It was taken back before its start.
state-why-superseded = A newer release stands in front of it. It can still be started on purpose.

release-changes = What will change
runs-now = Runs now
will-run = Will run
plan-under-way = Planning.
plan-under-way-why = The portal reads the cluster to say what will change. This takes a moment.
plan-not-possible = The portal cannot say yet what will change.
plan-again = Read the cluster again
story-title = Story
sign-title = Your sign-off
sign-for = You sign for { $groups } exactly what is shown here: these images, these targets, this time. If any of it changes, you are asked again.
sign-comment = Comment (optional)
sign-off = Sign off
sign-deploys-at = Sign off: deploys { $when }
sign-deploys-now = Sign off: deploys at once
sign-done = You signed this on
reject = Reject…
reject-why = Why?
reject-hint = A rejection ends this release. Everybody who looks at it reads your reason.
reject-button = Reject this release
rules-title = Who has to agree
rule-met = { $signed } of { $count } · { $names }
rule-open = { $signed } of { $count } · { $names } can
rule-nobody-can = { $signed } of { $count } · nobody can at present
void-decision = The sign-off of { $who }, { $at }, does not count:
missing-title = Why it is not going out yet
who-nobody = Nobody can at present: the group has no other members who may.
who-people = { $names } can
who-viewer = Whoever may look can.
who-requester = Whoever requested it, or may request releases here, can.
who-operator = An operator can.
who-admin = An administrator can.
who-portal = The portal is at it.
superseded-by = is newer, for the same service and environment.
edits-title = Changed since the request
edited-environment = { $who } edited the environment or its policy.
edited-group = { $who } edited the group { $group }.
release-revise = Change time or note
withdraw = Withdraw…
withdraw-why = Why? (optional)
withdraw-button = Withdraw this release
start-now = Start now
start-now-window = Start now: window closes in { $length }
cancel-deployment = Stop the deployment
cancel-ask = Stop this deployment? What is written stays; nothing more is written.
rollback = Roll back…
rollback-to = This brings back what ran before: { $images }. It is a deployment of its own; this one keeps its verdict.
rollback-button = Roll back now

evidence-commit = commit
evidence-run = CI run
evidence-built = built
evidence-image = everything about this image
evidence-tests = { $failed ->
    [0] { $passed } tests passed
   *[other] { $failed } of the tests failed, { $passed } passed
}
evidence-authors = by { $authors }
evidence-unknown-author = by { $authors } (not everybody is known)
evidence-no-author = no author was named

## Story

story-image-register = { $who } registered { $image } { $version } from CI
story-request = { $who } asked for it
story-revise = It changed, and everybody is asked again: { $reason }
story-plan = The portal read the cluster and planned it
story-plan-failed = It could not be planned: { $reason }
story-withdraw = { $who } withdrew it
story-signoff = { $who } signed off for { $groups }
story-reject = { $who } rejected it
story-signoff-refused = { $who } tried to decide: { $reason }
story-start = { $who } started it
story-start-clock = It started by itself
story-rollback = { $who } started the way back
story-cancel = { $who } stopped the deployment
story-end-succeeded = The new pods serve
story-end-failed = The deployment failed
story-end-cancelled = The deployment was stopped
story-end-drifted = Nothing was written: the cluster had changed
story-end-needs-attention = Somebody has to look at the cluster
story-end-because = { $end }: { $reason }
story-window-announced = { $title } was announced
story-window-moved = { $title } was announced again, with changes
story-window-cancelled = { $title } was called off
story-starts-at-opening = starts at the opening of the window
story-window-opens = the window opens
story-window-closes = the window closes

## Rollout

rollout-by = Deployment, started by { $who }
rollout-by-clock = Deployment
rollout-back = Way back
rollout-back-by = Way back, started by { $who }
rollout-log = Log
verdict-succeeded = succeeded
verdict-failed = failed
verdict-cancelled = cancelled
verdict-needs-attention = needs attention
verdict-stopping = stopping
verdict-running = running
progress-updated = updated
progress-ready = ready
progress-available = available
progress-old = old pods left
target-waits = waits for its turn
target-writing = being written
target-rolling = rolling out
target-watching = serves; being watched
target-serving = serves
target-failing = does not serve
target-untouched = not touched
target-left = written, then left
target-unknown = not known
log-claimed = the job begins
log-claimed-again = another worker goes on (turn { $turn }); it looks before it acts
log-writing = { $workload }: writing
log-written = { $workload }: written
log-progress = { $workload }: { $updated } of { $desired } updated, { $available } available
log-watching = { $workload }: serves; watched for { $seconds } s
log-target-serving = { $workload }: serves
log-target-failing = { $workload }: does not serve
log-target-untouched = { $workload }: not touched
log-target-left = { $workload }: left as it is
log-target-unknown = { $workload }: what it holds is not known
log-unreachable = the cluster does not answer: { $reason }
log-reachable = the cluster answers again
