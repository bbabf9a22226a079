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
replicas =
    { $count ->
        [one] 1 replica
       *[other] { $count } replicas
    }
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
board-chip-ready-for = → { $version } · ready for { $when }
board-chip-ready = → { $version } · ready
board-chip-deploying = → { $version } · rolling out
tide-title = Windows of the next seven days
tide-now = now
tide-agenda = { $ready } with every sign-off, { $missing } without
tide-ready = has every sign-off
tide-missing = lacks a sign-off
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
release-changed = What was to change
runs-now = Runs now
ran-before = Ran before
new-image = New
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
story-window-moved = { $title } was announced again, for another time
story-window-changed = { $title } was announced again, for the same time
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

## Images

images-lead = What CI built. A release begins here.
images-search = Repository, tag, digest, commit or branch
images-all-services = All services
images-none = No image is registered yet.
images-none-why = The last step of a CI pipeline tells the portal what it built, with a token that has the scope images:write:
images-example-url = https://tidegate.example.com
image = Image
image-evidence = Evidence
image-evidence-grew = Times CI added something:
image-registered = Registered
image-tests = tests
image-tests-title = Tests
image-tags = Tags
image-commit = Commit
image-branch = Branch
image-built = Built
image-authors = Authors
image-author-unknown = unknown here
image-releases = Its releases
image-releases-none = Nobody has asked for it yet.
image-no-service = No service uses this repository.
image-no-service-why = An administrator makes a service with this repository; then it can be requested.
image-no-place = The service has no target you may look at.
image-no-place-why = An administrator gives it one in an environment; then it can be requested for there.
request-for = Request for
request-not-yours = you may look, not request
request-lead = Everybody who has to agree is asked:
request-lead-nobody = Nobody has to agree here.
request-when = When
request-when-hint = People sign for exactly this time. If it changes, they are asked again.
start-choice-gone = { $start } (over, or no longer allowed: choose another)
request-note = Note (optional)
request-note-hint = What signers should know: why now, what to look at, what it needs.
revise-lead = A change voids the sign-offs that are in, and everybody is asked again.
revise-button = Save and ask again
start-choice-at-opening = By itself, at the opening of
start-choice-in-window = By hand, during
start-choice-alone = Without a window
start-choice-when-signed = As soon as it is signed off
start-choice-by-hand = By hand, at any time
back = Back

## Windows

windows-lead = When things go out, and with what.
windows-coming = Coming
windows-past = Past
windows-none = No window is planned.
windows-none-why = An operator plans one, puts releases on its agenda and announces it.
window-plan = Plan a window
window-plan-lead = Nobody is told before you announce it.
window-edit = Change the window
window-edit-announced = This window was announced. Saving announces it again; a new time asks everybody on its agenda to sign again.
window-save-announced = Save and announce again
window-title = Title
window-opens = Opens
window-closes = Closes
time-which = The clocks go back: which of the two?
time-first = the first time
time-second = the second time
window-zone-hint = The clock the two times are read by.
window-who-should-know = What people should know
window-audience-hint = Who is affected, and what they will notice.
window-public = public
window-public-tick = Show it on the public page
window-public-hint = Title, time, this text, and services that are marked public. Nothing else.
window-is-public = On the public page once it is announced
window-is-internal = Only for people with an account
window-owner = planned by
window-announce = Announce it
window-cancel = Call it off
window-cancel-ask = Call this window off? Releases on its agenda then wait for another.
window-agenda = { $count ->
    [0] nothing on its agenda
    [one] 1 release
   *[other] { $count } releases
}{ $waiting ->
    [0] {""}
   *[other] {" "}· { $waiting } without every sign-off
}
window-agenda-title = Agenda
window-agenda-none = Nothing is on its agenda.
window-agenda-none-why = A release is put on it when it is requested, or changed.
window-announcements = What was announced
window-not-announced = Nothing yet.
window-state-draft = draft
window-state-announced = announced
window-state-open = open
window-state-closed = over
window-state-cancelled = called off
window-state-moved = moved
window-state-changed = changed
announced-announced = announced for { $span }
announced-moved = moved to { $span }
announced-changed = announced again with changes, for { $span }
announced-cancelled = called off
notice-window-planned = Planned. Nobody is told before you announce it.
notice-announced = Announced.
notice-window-cancelled = Called off.

## Announcements

announcements-lead = When something changes here.
announcements-calendar = Calendar feed
announcements-feed = Atom feed
announcements-none = Nothing is announced.
announcements-none-why = What is planned for everybody to know appears here.
announcements-past = The last thirty days
announcements-services = Concerned:
announcements-at = Announced
feed-title = Tidegate announcements
feed-when = { $span } { $zone }
feed-when-utc = { $span } { $zone } ({ $utc })
feed-services = Concerned: { $services }

## Audit

audit-lead = Everything that changed, since the first day. Nothing in it can be changed or removed.
audit-search = Words, or R-42 for a release
audit-number = No.
audit-when = When
audit-who = Who
audit-what = What
audit-tree = Entries and the root of their tree:
actor-runner = the portal
actor-console = the console
