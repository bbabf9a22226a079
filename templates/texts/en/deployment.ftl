# Plans, the gate, deployments, and what a cluster says about them.

## What Kubernetes or a part of the cluster says itself is quoted.

quoted = { $text } Kubernetes says: { $message }

## Plans

plan-no-targets = This service has no workload in this environment yet. Add one on the page of the service.
plan-cannot-read = { $workload } cannot be read. { $reason }
plan-too-slow = The cluster did not say all that a plan needs within { $minutes } minutes.
plan-no-spec = { $workload } has no specification. It cannot be deployed to as it is.
plan-no-container = { $workload } has no container named { $container }. It has: { $known }.
plan-managed = { $workload } is also managed by { $tool }, which may put the old image back. Tell { $tool } to leave the image alone, or deploy there through { $tool }.
plan-stands-still = { $workload } would not roll out as it is now, and the release would fail. { $reason }
plan-other-registry = The image comes from { $new }; today's comes from { $old }. Make sure that the cluster may pull from { $new }.
plan-changes-nothing = This image is what the workload already has. Nothing will change.

## Clusters

cluster-none = This environment has no cluster yet. An administrator chooses one on its page.
cluster-archived = The cluster of this environment is archived. An administrator chooses another one.
cluster-no-credential = The cluster has no confirmed credential. An administrator hands one in on its page and confirms it.
cluster-credential-expired = The credential of the cluster ended on { $at }. An administrator hands in a new one.
cluster-credential-sealed = The credential of the cluster cannot be opened with the portal's key ring. An administrator hands it in again.
cluster-unreachable = The cluster has not answered since { $at }. { $reason } The portal looks again every few seconds; nothing starts there before it answers.
cluster-is-another = The environment now leads to another cluster than the one the plan was made for. Plan the release again.

too-wide-everything = This credential may do everything in the whole cluster. A deployment needs far less; the ready script makes an account with just that.
too-wide-all-secrets = This credential may read every secret in the cluster. A deployment never needs that.
too-wide-all-deployments = This credential may change every Deployment in the cluster. It only needs those that are targets here.
too-wide-secrets = This credential may read the secrets in { $namespace }. A deployment never needs that.
too-wide-exec = This credential may run commands in the pods in { $namespace }. A deployment never needs that.
too-wide-delete = This credential may delete Deployments in { $namespace }. A deployment never needs that.

## Talking to a cluster

failure-credential = The stored credential does not make a connection. Hand it in again.
failure-connection = The connection to the cluster broke.
failure-connection-refused = Nothing answers at the cluster's address.
failure-timeout = The cluster does not answer in time.
failure-certificate = The certificate that the cluster shows is not the one the credential vouches for, or is no longer valid.
failure-too-large = The answer of the cluster is larger than 8 MiB, which is more than the portal takes.
failure-unavailable = The cluster's API server reports trouble of its own (status { $code }).
failure-busy = The cluster's API server has too much to do and asks to come back later.
failure-unauthorized = The cluster no longer accepts the credential. Hand in a new one.
failure-forbidden = The credential may not do this. Kubernetes says: { $message }
failure-not-found = It is not there. Kubernetes says: { $message }
failure-conflict = Somebody else keeps changing the workload, and the write did not get its turn.
failure-refused = The cluster does not accept the change. Kubernetes says: { $message }
failure-too-many = The cluster lists more than { $most } objects of one kind for this workload, which is more than the portal looks at.
failure-nonsense = The answer does not come from a Kubernetes API as the portal knows it.

## Before the write: the cluster is no longer as planned

drift-gone = The workload is no longer there.
drift-another-workload = The workload was deleted and made again since the plan was made.
drift-being-deleted = The workload is being deleted.
drift-containers = The workload has other containers than when the plan was made: now { $now }, then { $planned }.
drift-image = Container { $container } now has the image { $now }. When the plan was made it was { $planned }.
too-late-to-write = Too much time has passed since the start, so nothing was written. The portal may have been down meanwhile.
window-ended-before-write = The window ended on { $at } before anything was written, so nothing was written. The portal or the cluster may have been away meanwhile. Ask for a new release, in another window.

## After the write

changed-after-write = The workload was changed by somebody else after the portal had written it. { $found }
changed-another-workload = It was deleted and made again.
changed-being-deleted = It is being deleted.
changed-deleted = The workload was deleted during the rollout.
changed-containers = Its containers are { $now } instead of { $planned }.
changed-image = Container { $container } has the image { $image }.
changed-back = It is back to what it was before.
write-mutated = The cluster accepted the change and made something else of it; an admission rule may do that. { $found }
unknown-write = It cannot be told whether the portal's write arrived: no answer came, and somebody has changed the workload since.
unknown-write-refused = It cannot be told whether the portal's write may still arrive. { $reason }
unknown-unreachable = The cluster could not be seen until the deadline, { $seconds } s after the beginning, so it is not known what it holds. { $reason }
unknown-unseen = Replica sets and pods could not be seen until the deadline, so it is not known whether the new ones serve. { $reason }
left-holding = It holds { $images }: { $available } of { $desired } new pods are available, { $old } old ones are still there. The rollout goes on by itself unless it is rolled back.
cancelled-before-write = Stopped before anything was written. The cluster is as it was.
cancelled-after-write = Stopped after the write. Nothing more is written; what was written stays until somebody rolls it back.

## Why a rollout does not get there

failing-paused = The Deployment is paused, so it does not roll out. Resume it first.
failing-zero-replicas = The Deployment is scaled to zero, so there is no pod that could serve. Scale it up first.
failing-deadline = The rollout was not complete at its deadline: { $updated } of { $desired } pods have the new image, { $available } of them are available.
failing-progress-deadline = The cluster has given up on the rollout (progress deadline). Kubernetes says: { $message }
failing-pod-state = Pod { $pod }: { $state }.
failing-pod-failed = Pod { $pod } has failed.
failing-pod-failed-why = Pod { $pod } has failed: { $reason }.
failing-crash-loop = Container { $container } of pod { $pod } ends right after it is started, again and again: exit code { $exit } ({ $reason }), { $restarts } restarts.
failing-out-of-memory = Container { $container } of pod { $pod } is ended again and again because it uses more memory than its limit: exit code { $exit }, { $restarts } restarts.
failing-image = Pod { $pod } cannot pull the image { $image } of container { $container }.
failing-container = Container { $container } of pod { $pod } cannot be started ({ $reason }).
failing-restarts = The new pods served and then restarted while they were being watched: { $restarts ->
    [one] one restart
   *[other] { $restarts } restarts
}.

## Why it is not going out

unmet-planning = The portal is reading the cluster to see what would change.
unmet-plan-failed = The plan could not be made, and is tried again at { $at }. { $reason }
unmet-drifted = The cluster is no longer as planned, so nothing was written. { $found } Plan the release again; it will have to be signed off again.
unmet-signoff = { $missing ->
    [one] One sign-off of { $group } is missing.
   *[other] { $missing } sign-offs of { $group } are missing.
}
unmet-author-absent = The image does not say who wrote it, and the policy asks for known authors. CI can register it again with its authors.
unmet-author-unknown = Nobody here is known as { $authors }, and the policy asks for known authors. An administrator adds these commit identities to the people they belong to.
unmet-superseded = { $release } is newer and for the same place. Start this one by hand if it is the one you want.
unmet-start-mode = The environment's policy does not allow { $mode ->
    [by_hand] a start by hand
    [at_opening] a start at the opening of a window
   *[other] a start with the last sign-off
} any more. Choose another way to start.
unmet-by-hand = An operator starts it by hand.
unmet-window-draft = The window is a draft. It has to be announced first.
unmet-window-opens = The window opens at { $at }.
unmet-window-missed = The window closed at { $at } and the release did not start in it. Choose another window.
unmet-window-cancelled = The window was cancelled. Choose another one.
unmet-target-busy = Another deployment is at work on the same workload.
refusal-gate-closed = The release cannot start yet.

## Stopping and rolling back

cancel-nothing-runs = Nothing of this release is running, so there is nothing to stop.
conflict-target-busy = A deployment is at work on this workload. Wait for its end, or stop it first.
rollback-nothing-touched = There is nothing to roll back: this release changed nothing in the cluster, or has been rolled back already.
rollback-tag-only = What ran before is known by its tag only: { $images }. The tag may lead to another image today. Roll back anyway?
rollback-newer-there = { $release } has been deployed to the same place since. Roll that one back, or request a new release.
