//! What is managed, each with what a person types and what the API has then. Later ones stand on
//! earlier ones.

/// One kind of managed thing.
pub struct Kind {
    /// Its list, and what that says when it is empty.
    pub list: &'static str,
    pub none: &'static str,
    /// The page with the form for a new one, and where the form goes.
    pub new: &'static str,
    pub create: &'static str,
    /// The page that shows it, and the link on it to the form.
    pub shown: &'static str,
    pub edit: &'static str,
    /// Where the API has it, what of the answer it is, and what says that it is out of use.
    pub api: &'static str,
    pub at: &'static str,
    pub archived: &'static str,
    /// What is typed for a new one, and what the API has then.
    pub typed: &'static [(&'static str, &'static str)],
    pub made: &'static [(&'static str, &'static str)],
    /// What is typed over it later, and what the API has then.
    pub changes: &'static [(&'static str, &'static str)],
    pub changed: &'static [(&'static str, &'static str)],
    /// What somebody else types meanwhile.
    pub theirs: (&'static str, &'static str),
    /// What pages say when it is made, edited, archived, restored.
    pub words: [&'static str; 4],
    /// What is typed wrong, the status of the answer, and the complaint at each field.
    pub wrong: &'static [Wrong],
}

type Pairs = &'static [(&'static str, &'static str)];
type Wrong = (Pairs, u16, Pairs);

const ARCHIVED: &str = "Archived. It stays readable";
const RESTORED: &str = "It is in use again.";
const NOTHING: &str = "Nothing was entered.";
const TAKEN: &str = "There is one of this name already.";
const NAME: &str = "Use 1 to 63 lower-case letters";

pub const KINDS: &[Kind] = &[
    Kind {
        list: "/clusters",
        none: "No cluster yet.",
        new: "/clusters/new",
        create: "/clusters",
        shown: "/clusters/west",
        edit: "a[href='/clusters/west/edit']",
        api: "/api/v1/clusters/west",
        at: "",
        archived: "/archived",
        typed: &[("title", "The west"), ("name", "west")],
        made: &[("/name", r#""west""#), ("/title", r#""The west""#), ("/archived", "false")],
        changes: &[("title", "The far west")],
        changed: &[("/title", r#""The far west""#)],
        theirs: ("title", "The middle west"),
        words: ["The west", "The far west", ARCHIVED, RESTORED],
        wrong: &[
            (&[("title", ""), ("name", "Far West")], 422, &[("title", NOTHING), ("name", NAME)]),
            (&[], 409, &[("name", TAKEN)]),
        ],
    },
    Kind {
        list: "/people?q=mina",
        none: "Nothing found.",
        new: "/people/new",
        create: "/people",
        shown: "/people/mina",
        edit: "a[href='/people/mina/edit']",
        api: "/api/v1/people/mina",
        at: "",
        archived: "/archived",
        typed: &[
            ("name", "Mina Okafor"),
            ("login", "mina"),
            ("email", "mina@shop.example"),
            ("zone", "Asia/Taipei"),
            ("commit_identities", "mina@git.example\nmokafor"),
            ("role", "requester"),
            ("role_environment", ""),
        ],
        made: &[
            ("/name", r#""Mina Okafor""#),
            ("/email", r#""mina@shop.example""#),
            ("/zone", r#""Asia/Taipei""#),
            ("/commit_identities", r#"["mina@git.example", "mokafor"]"#),
            ("/roles", r#"[{ "role": "requester", "environment": null }]"#),
        ],
        changes: &[("name", "Mina O."), ("role", "viewer"), ("role", "operator"), ("role_environment", "")],
        changed: &[
            ("/name", r#""Mina O.""#),
            ("/roles", r#"[{ "role": "operator", "environment": null }, { "role": "viewer", "environment": null }]"#),
        ],
        theirs: ("email", "okafor@shop.example"),
        words: ["Mina Okafor", "Mina O.", "This account is deactivated", "Deactivate…"],
        wrong: &[
            (
                &[("name", ""), ("login", "Mi na"), ("zone", "Mars/Olympus"), ("email", "mina")],
                422,
                &[
                    ("name", NOTHING),
                    ("login", "Use 1 to 64"),
                    ("zone", "There is no time zone Mars/Olympus"),
                    ("email", "This is not an e-mail address."),
                ],
            ),
            (
                &[("login", "other"), ("commit_identities", "fine\nnot fine at all")],
                422,
                &[("commit_identities", "Line 2:")],
            ),
            (&[("login", "other")], 422, &[("commit_identities", "belongs to")]),
            (&[("commit_identities", "")], 409, &[("login", TAKEN)]),
        ],
    },
    Kind {
        list: "/groups",
        none: "No group yet.",
        new: "/groups/new",
        create: "/groups",
        shown: "/groups/signers",
        edit: "a[href='/groups/signers/edit']",
        api: "/api/v1/groups/signers",
        at: "",
        archived: "/archived",
        typed: &[
            ("title", "Signers"),
            ("name", "signers"),
            ("members", "mina"),
            ("role", "viewer"),
            ("role_environment", ""),
        ],
        made: &[
            ("/title", r#""Signers""#),
            ("/members", r#"["mina"]"#),
            ("/roles", r#"[{ "role": "viewer", "environment": null }]"#),
        ],
        changes: &[("title", "The signers"), ("members", "ada"), ("members", "mina")],
        changed: &[("/title", r#""The signers""#), ("/members", r#"["ada", "mina"]"#)],
        theirs: ("title", "Those who sign"),
        words: ["Signers", "The signers", ARCHIVED, RESTORED],
        wrong: &[
            (&[("title", ""), ("name", "-")], 422, &[("title", NOTHING), ("name", NAME)]),
            (
                &[("name", "others"), ("members", "nobody-known")],
                422,
                &[("members", "no person with the login nobody-known")],
            ),
            (&[], 409, &[("name", TAKEN)]),
        ],
    },
    Kind {
        list: "/environments",
        none: "No environment yet.",
        new: "/environments/new",
        create: "/environments",
        shown: "/environments/live",
        edit: "a[href='/environments/live/edit']",
        api: "/api/v1/environments/live",
        at: "",
        archived: "/archived",
        typed: &[
            ("title", "Live"),
            ("name", "live"),
            ("cluster", "west"),
            ("rank", "20"),
            ("rule_group", "signers"),
            ("rule_count", "1"),
            ("start_modes", "by_hand"),
            ("start_modes", "at_opening"),
            ("validity_hours", "48"),
            ("deadline_seconds", "300"),
            ("watch_seconds", "5"),
        ],
        made: &[
            ("/title", r#""Live""#),
            ("/cluster", r#""west""#),
            ("/rank", "20"),
            ("/policy/rules", r#"[{ "group": "signers", "count": 1 }]"#),
            ("/policy/start_modes", r#"["by_hand", "at_opening"]"#),
            ("/policy/requester_may_sign", "false"),
            ("/policy/unknown_author", r#""block""#),
            ("/policy/validity_hours", "48"),
            ("/policy/deadline_seconds", "300"),
            ("/policy/watch_seconds", "5"),
        ],
        changes: &[("title", "Live shop"), ("rule_count", "2"), ("requester_may_sign", "on"), ("deadline_seconds", "")],
        changed: &[
            ("/title", r#""Live shop""#),
            ("/policy/rules", r#"[{ "group": "signers", "count": 2 }]"#),
            ("/policy/requester_may_sign", "true"),
            ("/policy/deadline_seconds", "null"),
        ],
        theirs: ("validity_hours", "72"),
        words: ["Live", "2 people of The signers", ARCHIVED, RESTORED],
        wrong: &[
            (
                &[("title", ""), ("name", "Live!"), ("rank", "5000"), ("validity_hours", "0"), ("watch_seconds", "-1")],
                422,
                &[
                    ("title", NOTHING),
                    ("name", NAME),
                    ("rank", "Use a whole number"),
                    ("validity_hours", "Use a whole number"),
                    ("watch_seconds", "Use a whole number"),
                ],
            ),
            (&[("name", "other"), ("rule_count", "many")], 422, &[("rule_count", "number")]),
            (&[("name", "other"), ("rule_count", "0")], 422, &[("rule_count", "Use a whole number")]),
            (&[("name", "other"), ("start_modes", "")], 422, &[("start_modes", "Allow at least one start mode.")]),
            (&[], 409, &[("name", TAKEN)]),
        ],
    },
    Kind {
        list: "/services",
        none: "No service yet.",
        new: "/services/new",
        create: "/services",
        shown: "/services/basket",
        edit: "a[href='/services/basket/edit']",
        api: "/api/v1/services/basket",
        at: "",
        archived: "/archived",
        typed: &[
            ("title", "Basket"),
            ("name", "basket"),
            ("repository", "registry.example/shop/basket"),
            ("owner", "signers"),
            ("public", "on"),
        ],
        made: &[
            ("/title", r#""Basket""#),
            ("/repository", r#""registry.example/shop/basket""#),
            ("/owner", r#""signers""#),
            ("/public", "true"),
        ],
        changes: &[("title", "The basket"), ("owner", "")],
        changed: &[("/title", r#""The basket""#), ("/owner", "null")],
        theirs: ("repository", "registry.example/shop/carts"),
        words: ["Basket", "The basket", ARCHIVED, RESTORED],
        wrong: &[
            (
                &[("title", ""), ("name", "Basket of the shop"), ("repository", "registry.example/shop:latest")],
                422,
                &[("title", NOTHING), ("name", NAME), ("repository", "This is not a repository")],
            ),
            (&[], 409, &[("name", TAKEN)]),
        ],
    },
    Kind {
        list: "/services/basket",
        none: "No target yet.",
        new: "/services/basket/targets/new",
        create: "/services/basket/targets",
        shown: "/services/basket",
        edit: "a[href^='/targets/']",
        api: "/api/v1/services/basket/targets",
        at: "/items/0",
        archived: "/archived",
        typed: &[
            ("environment", "live"),
            ("namespace", "shop"),
            ("kind", "Deployment"),
            ("name", "basket"),
            ("containers", "app, worker"),
        ],
        made: &[
            ("/environment", r#""live""#),
            ("/namespace", r#""shop""#),
            ("/name", r#""basket""#),
            ("/containers", r#"["app", "worker"]"#),
        ],
        changes: &[("namespace", "shop-live"), ("containers", "app")],
        changed: &[("/namespace", r#""shop-live""#), ("/containers", r#"["app"]"#)],
        theirs: ("name", "basket-2"),
        words: ["shop/basket", "shop-live/basket", "The target is archived.", "The target is in use again."],
        wrong: &[
            (
                &[("namespace", "The Shop"), ("name", ""), ("containers", "")],
                422,
                &[
                    ("namespace", "Kubernetes names"),
                    ("name", "Kubernetes names"),
                    ("containers", "Name at least one container."),
                ],
            ),
            (&[], 422, &[("name", "Deployment shop/basket is a target of basket already.")]),
        ],
    },
];
