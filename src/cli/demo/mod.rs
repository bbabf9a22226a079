//! `tidegate demo`: a portal with a small shop in it, to look around and try things out. The same
//! portal as `serve` runs, with data that goes at the end; all that is in it was done through the
//! verbs, by the people concerned.
//!
//! `shop` is who and what there is, `cast` the people at work, `story` what they did, `place` the
//! cluster it happens in, `told` what is printed.

mod cast;
mod folder;
mod place;
mod shop;
mod story;
mod told;

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

use anyhow::Context as _;
use chrono::TimeDelta;
use clap::Args;
use futures_util::FutureExt as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::cast::{Cast, said};
use self::folder::Folder;
use self::place::Place;
use self::story::Story;
use crate::clock::Clock;
use crate::config::{Config, KeyRingSource};
use crate::domain::time::Zone;
use crate::portal::{Portal, Running, StartError};
use crate::random::Random;
use crate::workflow::cluster;

/// Where and how.
#[derive(Args)]
#[command(after_long_help = HELP)]
pub(super) struct DemoArgs {
    /// Port to listen on, on 127.0.0.1; 0 takes any free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Zone of the shop's windows and people, as an IANA name
    #[arg(long, env = "TIDEGATE_ZONE", default_value = "UTC", value_parser = crate::config::zone)]
    zone: Zone,
    /// Keep the data in this folder, new or empty, instead of a temporary one
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Deploy to the real cluster of this kubeconfig, in a namespace made for it
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig, when it has several
    #[arg(long, value_name = "NAME", requires = "kubeconfig")]
    context: Option<String>,
    /// Seconds until the next window opens
    #[arg(long, value_name = "SECONDS", default_value_t = 120, hide = true,
        value_parser = clap::value_parser!(u32).range(1..=86_400))]
    window_in: u32,
}

const HELP: &str = "\
A portal on this machine with a week of history: services, people of each role, images, releases
that worked, one that failed and was rolled back, one that was rejected; and a window that opens in
two minutes, with a release that lacks exactly one sign-off. One link signs in each of the people.
Ctrl-C ends it, and nothing stays behind.

With --kubeconfig the same happens on a real cluster. The file has to pass the portal's gate: a token
or a client certificate in the file itself, no commands to run, no paths. Its account has to be
allowed to make and delete a namespace, and Deployments in it. The demo makes one, tidegate-demo-xxxxxx, with eight
Deployments in it that ask for next to nothing, uses these alone, and deletes the namespace at the
end, also after Ctrl-C, SIGTERM or a failure. (After kill -9 it is for you to delete; its name is
printed at the start.) What runs there is registry.k8s.io/pause in several versions, by digest, so
the nodes have to be able to pull from there; the release that failed names a digest that does not
exist. On nodes that are all make-believe (kwok) images are made up as on the practice cluster.

Examples:
  tidegate demo
  tidegate demo --port 0 --zone Europe/Berlin
  tidegate demo --kubeconfig ~/.kube/kind --context kind-kind";

/// Asked to end: Ctrl-C, SIGTERM, or the terminal was closed.
struct Stop([Signal; 3]);

impl Stop {
    fn listen() -> std::io::Result<Self> {
        Ok(Self([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?]))
    }

    async fn asked(&mut self) {
        let Self([interrupt, terminate, hangup]) = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// Runs until it is asked to end.
///
/// # Errors
/// Why it cannot be, or why something stays behind.
pub(super) async fn run(args: DemoArgs) -> anyhow::Result<()> {
    let mut stop = Stop::listen()?;
    let random = Random;
    let present = Clock::system().now();
    let place = match &args.kubeconfig {
        Some(file) => Place::real(file, args.context.as_deref(), present, random).await?,
        None => Place::practice(present, random).await?,
    };
    let folder = Folder::make(args.keep.as_deref(), random)?;
    // What was begun in a cluster is taken away again, whatever happens in between.
    let played = AssertUnwindSafe(play(&args, &place, &folder, &mut stop)).catch_unwind().await;
    if !place.is_practice() {
        eprintln!("tidegate: deleting the namespace {}", place.namespace);
    }
    let namespace = place.namespace.clone();
    let cleared = tokio::select! {
        cleared = place.clear() => cleared,
        // Asked a second time: somebody is in a hurry.
        () = stop.asked() => Err(anyhow::anyhow!("not waited for the end of the namespace {namespace}")),
    };
    drop(folder);
    match played {
        Ok(played) => played.and(cleared),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

async fn play(args: &DemoArgs, place: &Place, folder: &Folder, stop: &mut Stop) -> anyhow::Result<()> {
    let present = Clock::system().now();
    let clock = Clock::behind(place::beginning(present, story::DAYS));
    // The port first: it is what most often is not to be had.
    let portal = open(args, folder, clock.clone()).await?;
    if !place.is_practice() {
        eprintln!("tidegate: making the namespace {}; it is deleted at the end", place.namespace);
    }
    place.make_namespace().await?;
    let prepared = tokio::select! {
        prepared = prepare(args, place, &portal, &clock) => prepared.context("the demo could not be prepared")?,
        () = stop.asked() => return Ok(()),
    };
    place.slow_down();
    let running = portal.start()?;
    let told = told::all(&prepared, args, place, folder, &running.public_url);
    // Somebody may have closed the other end; what was begun is taken away all the same.
    let _ = std::io::stdout().write_all(told.as_bytes()).and_then(|()| std::io::stdout().flush());
    let ended = until_stopped(&running, stop).await;
    running.stop().await;
    ended
}

async fn open(args: &DemoArgs, folder: &Folder, clock: Clock) -> anyhow::Result<Portal> {
    let config = Config {
        database_url: format!("sqlite:{}", folder.path().join("tidegate.db").display()),
        durable: folder.is_kept(),
        keyring: KeyRingSource::File(folder.path().join("tidegate.keys")),
        forget_sealed: false,
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)),
        tls: None,
        public_url: format!("http://127.0.0.1:{}", args.port).parse()?,
        zone: args.zone,
        trusted_proxies: Vec::new(),
        allow_local_clusters: true,
    };
    match Portal::open(&config, clock, Random).await {
        Err(error @ StartError::Listen(..)) => {
            Err(anyhow::Error::new(error).context("give another --port, or --port 0 for any free one"))
        }
        other => Ok(other?),
    }
}

/// What there is to tell once everything stands.
struct Prepared {
    links: Vec<(&'static shop::Member, String)>,
    token: String,
    story: story::Told,
}

async fn prepare(args: &DemoArgs, place: &Place, portal: &Portal, clock: &Clock) -> anyhow::Result<Prepared> {
    place.plant().await?;
    let present = Clock::system().now();
    let documents = shop::documents(&place.images, place.namespace.as_str());
    let cast = Cast::gather(portal, clock.clone(), documents).await?;
    let (admin, credential) = (cast.caller(shop::ADMIN)?, place.credential()?);
    let handed_in = portal.workflow.act(admin, move |v| Box::pin(cluster::hand_in(v, shop::CLUSTER, credential))).await;
    let credential = handed_in.map_err(said)?;
    // The background task looks at the cluster; only then can it be confirmed.
    cast.settle().await?;
    let confirmed = portal
        .workflow
        .act(cast.caller(shop::ADMIN)?, move |v| Box::pin(cluster::confirm(v, shop::CLUSTER, credential)))
        .await;
    confirmed.map_err(said)?;
    let story = Story { cast: &cast, images: &place.images, zone: args.zone, present };
    let told = story.tell(TimeDelta::seconds(i64::from(args.window_in))).await?;
    clock.catch_up();
    let mut links = Vec::new();
    for member in &shop::MEMBERS {
        links.push((member, cast.link(member.login).await?));
    }
    Ok(Prepared { links, token: cast.token().await?, story: told })
}

async fn until_stopped(running: &Running, stop: &mut Stop) -> anyhow::Result<()> {
    let mut look = tokio::time::interval(std::time::Duration::from_secs(1));
    loop {
        tokio::select! {
            () = stop.asked() => return Ok(()),
            _ = look.tick() => anyhow::ensure!(!running.is_broken(), "a part of the portal has ended; see the log"),
        }
    }
}
