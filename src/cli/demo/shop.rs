//! The shop: who works there, what they deploy, and by which rules. Documents as `tidegate apply`
//! would send them.

use crate::domain::canonical;
use crate::protocol::{
    ClusterSpec, Document, EnvironmentSpec, GroupSpec, ImageSpec, PersonSpec, PolicySpec, RoleSpec, RuleSpec,
    ServiceSpec, TargetSpec, TestsSpec,
};

/// The cluster's name in the portal.
pub(super) const CLUSTER: &str = "shop";
/// The container that gets the image.
pub(super) const CONTAINER: &str = "app";

/// Somebody.
pub(super) struct Member {
    /// What they sign in with.
    pub login: &'static str,
    /// What they are called.
    pub name: &'static str,
    /// What to try as them.
    pub hint: &'static str,
    role: Option<&'static str>,
}

/// The one who set the portal up.
pub(super) const ADMIN: &str = "admin";

/// Everybody, in the order in which their links are told.
pub(super) const MEMBERS: [Member; 8] = [
    Member {
        login: "product-1",
        name: "Priya Nair",
        hint: "signs for product: the last signature that {next} waits for",
        role: None,
    },
    Member {
        login: "product-2",
        name: "Paul Weber",
        hint: "signs for product too; one of the two is enough",
        role: None,
    },
    Member {
        login: "deploy-1",
        name: "Dana Kim",
        hint: "signs for the deployment team, and has signed {next}",
        role: None,
    },
    Member {
        login: "deploy-2",
        name: "Diego Sousa",
        hint: "the same; wrote part of {next} and so may not sign that one",
        role: None,
    },
    Member {
        login: "dev",
        name: "Mina Okafor",
        hint: "asks for releases, of any image on the page Images",
        role: Some("requester"),
    },
    Member {
        login: "operator",
        name: "Otto Lang",
        hint: "starts, cancels and rolls back; plans and announces windows",
        role: Some("operator"),
    },
    Member { login: ADMIN, name: "Ada Chen", hint: "people, policies, clusters, the audit log", role: None },
    Member {
        login: "auditor",
        name: "Vera Novak",
        hint: "may look at everything and change nothing",
        role: Some("viewer"),
    },
];

/// What is deployed.
pub(super) struct Product {
    /// Short name; also the name of its workload.
    pub name: &'static str,
    title: &'static str,
    /// How many pods in production.
    pub replicas: u32,
    /// Version that ran before anybody used the portal.
    pub first: &'static str,
    public: bool,
}

/// The services.
pub(super) const PRODUCTS: [Product; 4] = [
    Product { name: "checkout", title: "Checkout", replicas: 3, first: "1.39.2", public: true },
    Product { name: "catalog", title: "Catalog", replicas: 2, first: "2.6.1", public: true },
    Product { name: "search", title: "Search", replicas: 2, first: "0.17.1", public: true },
    Product { name: "mailer", title: "Mailer", replicas: 1, first: "3.1.3", public: false },
];

/// Name of a service's workload in an environment. Both environments live in one namespace, because
/// that is all the demo makes in a cluster.
pub(super) fn workload(service: &str, environment: &str) -> String {
    if environment == "production" { service.to_owned() } else { format!("{service}-{environment}") }
}

/// Images a cluster can run.
pub(super) enum Images {
    /// Made up, at a registry that is not there: nothing pulls them, and the digest chooses what
    /// becomes of a pod.
    Fated,
    /// Small ones that any cluster with a way to the internet can pull.
    Pullable,
}

/// `registry.k8s.io/pause`: every node has one of them, and it runs for ever. The digests are those
/// of the indexes for all platforms.
const PAUSE: [(&str, &str); 5] = [
    ("3.6", "sha256:3d380ca8864549e74af4b29c10f9cb0956236dfb01c40ca076fb6c37253234db"),
    ("3.7", "sha256:bb6ed397957e9ca7c65ada0db5c5d1c707c9c8afc80a94acbe69f3ae76988f0c"),
    ("3.8", "sha256:9001185023633d17a2f98ff69b6ff2615b8ea02a825adffa40422f51dfdcde9d"),
    ("3.9", "sha256:7031c1b283388d2c2e09b57badb803c05ebed362dc88d84b480cc47f72a21097"),
    ("3.10", "sha256:ee6521f290b2168b6e0935a181d4cff9be1ac3f505666ef0e3c98fae8199917a"),
];

/// How far on in the story an image comes; where images are few, that chooses one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Deployed some days ago.
    Last,
    /// Deployed, and failed.
    Broken,
    /// Deployed yesterday, or not at all.
    Recent,
    /// To be deployed.
    Next,
    /// To be deployed, and the one that all this is about.
    Star,
}

impl Images {
    /// Where a service's images come from.
    pub fn repository(&self, service: &str) -> String {
        match self {
            Self::Fated => format!("registry.example/shop/{service}"),
            Self::Pullable => "registry.k8s.io/pause".to_owned(),
        }
    }

    /// What a workload runs before anybody used the portal: by tag, as most people do.
    pub fn first(&self, product: &Product) -> String {
        let tag = match self {
            Self::Fated => product.first,
            Self::Pullable => PAUSE[0].0,
        };
        format!("{}:{tag}", self.repository(product.name))
    }

    fn digest(&self, service: &str, version: &str, turn: Turn) -> String {
        let own = canonical::sha256_hex(format!("{service} {version}").as_bytes());
        let prefixed = |prefix: &str| format!("sha256:{}", &format!("{prefix}f{own}")[..64]);
        match (self, turn) {
            // On real nodes there is no such image, which fails a release as well.
            (_, Turn::Broken) => prefixed("dead"),
            (Self::Fated, _) => prefixed("9"),
            (Self::Pullable, Turn::Last) => PAUSE[1].1.to_owned(),
            (Self::Pullable, Turn::Recent) => PAUSE[2].1.to_owned(),
            (Self::Pullable, Turn::Next) => PAUSE[3].1.to_owned(),
            (Self::Pullable, Turn::Star) => PAUSE[4].1.to_owned(),
        }
    }

    /// What CI says about an image.
    pub fn built(&self, service: &str, version: &str, turn: Turn, authors: &[&str], built_at: String) -> ImageSpec {
        let digest = self.digest(service, version, turn);
        let known = PAUSE.iter().find(|(_, known)| *known == digest);
        let tag = known.map_or(version, |(tag, _)| tag);
        // One image of several services has one story: that of its digest.
        let what = match self {
            Self::Fated => format!("{service} {version}"),
            Self::Pullable => digest.clone(),
        };
        let hash = canonical::sha256_hex(what.as_bytes());
        let number = i64::from_str_radix(&hash[..4], 16).unwrap_or(0);
        ImageSpec {
            repository: self.repository(service),
            digest: Some(digest),
            tags: vec![tag.to_owned()],
            commit: Some(hash[8..48].to_owned()),
            authors: authors.iter().map(|author| (*author).to_owned()).collect(),
            branch: Some("main".to_owned()),
            run_url: Some(format!("https://ci.example/shop/runs/{}", 4000 + number % 1000)),
            tests: Some(TestsSpec { passed: 180 + number % 300, failed: 0, skipped: number % 4 }),
            built_at: match self {
                Self::Fated => Some(built_at),
                Self::Pullable => None,
            },
        }
    }
}

/// Authors, as git writes them.
pub(super) const MINA: &str = "Mina Okafor <mina@shop.example>";
/// Is in the deployment team as well.
pub(super) const DIEGO: &str = "Diego Sousa <diego@shop.example>";

/// Everything that is set up, as documents.
pub(super) fn documents(images: &Images, namespace: &str) -> Vec<Document> {
    let mut documents =
        vec![Document::Cluster(ClusterSpec { name: CLUSTER.to_owned(), title: "Shop cluster".to_owned() })];
    documents.extend(MEMBERS.iter().map(person));
    documents.push(group("deployment-team", "Deployment team", &["deploy-1", "deploy-2"]));
    documents.push(group("product", "Product", &["product-1", "product-2"]));
    documents.push(environment("staging", 0, &[], &["when_signed", "by_hand"], 0));
    documents.push(production(0));
    documents.extend(PRODUCTS.iter().map(|product| service(images, namespace, product)));
    documents
}

/// Production, with its rules; `watch` is how many seconds new pods have to serve.
pub(super) fn production(watch: i64) -> Document {
    let rules = [("deployment-team", 1), ("product", 1)];
    environment("production", 10, &rules, &["by_hand", "at_opening", "when_signed"], watch)
}

fn role(role: &str) -> RoleSpec {
    RoleSpec { role: role.to_owned(), environment: None }
}

fn person(member: &Member) -> Document {
    let first = member.name.split(' ').next().unwrap_or_default().to_lowercase();
    let email = format!("{first}@shop.example");
    Document::Person(PersonSpec {
        login: member.login.to_owned(),
        name: member.name.to_owned(),
        commit_identities: Some(vec![email.clone(), first]),
        email: Some(email),
        // Whoever set the portal up keeps the roles that came with it.
        roles: (member.login != ADMIN).then(|| member.role.into_iter().map(role).collect()),
        ..PersonSpec::default()
    })
}

fn group(name: &str, title: &str, members: &[&str]) -> Document {
    Document::Group(GroupSpec {
        name: name.to_owned(),
        title: title.to_owned(),
        members: Some(members.iter().map(|login| (*login).to_owned()).collect()),
        roles: Some(vec![role("viewer")]),
    })
}

fn environment(name: &str, rank: i64, rules: &[(&str, i64)], modes: &[&str], watch: i64) -> Document {
    let mut title = name.to_owned();
    title[..1].make_ascii_uppercase();
    let rules = rules.iter().map(|(group, count)| RuleSpec { group: (*group).to_owned(), count: *count }).collect();
    Document::Environment(EnvironmentSpec {
        name: name.to_owned(),
        title,
        rank,
        cluster: Some(CLUSTER.to_owned()),
        policy: Some(PolicySpec {
            rules,
            start_modes: Some(modes.iter().map(|mode| (*mode).to_owned()).collect()),
            watch_seconds: Some(watch),
            ..PolicySpec::default()
        }),
    })
}

fn service(images: &Images, namespace: &str, product: &Product) -> Document {
    let target = |environment: &str| TargetSpec {
        environment: environment.to_owned(),
        namespace: namespace.to_owned(),
        kind: "Deployment".to_owned(),
        name: workload(product.name, environment),
        containers: vec![CONTAINER.to_owned()],
    };
    Document::Service(ServiceSpec {
        name: product.name.to_owned(),
        title: product.title.to_owned(),
        repository: images.repository(product.name),
        owner: Some("product".to_owned()),
        public: product.public,
        targets: Some(vec![target("staging"), target("production")]),
    })
}
