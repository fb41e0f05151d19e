//! Good roles, bad roles, and how their faults are told.

use std::path::Path;

use serde::Deserialize;

use super::{LEASE_MS_DEFAULT, ModuleSpec, Rate, Role, RoleFault, ServiceSpec, Singular, WireMode};

const KNOWN: [&str; 4] = ["account", "chat", "gateway", "mechanics"];

fn parse(text: &str) -> Result<Role, Vec<RoleFault>> {
    Role::parse(Path::new("roles/local.toml"), text, &KNOWN)
}

fn good(text: &str) -> Role {
    parse(text).unwrap_or_else(|faults| panic!("the role should have no fault: {faults:?}"))
}

const LOCAL: &str = r#"
name = "local"
admin = "127.0.0.1:7778"
wire = "always"

[[service]]
name = "world"
rate_hz = 20
frame_budget_ms = 40
mailbox_len_max = 10
calls_pending_max = 20

[[service.module]]
name = "mechanics"
resources = "resources"

[[service]]
name = "front"

[[service.module]]
name = "gateway"
listen = "127.0.0.1:7777"
origins = [
  "a",
  "b",
]
[service.module.limits]
sessions_max = 7
[[service.module.route]]
to = "world"
[[service.module]]
name = "chat"
"#;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gateway {
    listen: String,
    origins: Vec<String>,
    limits: Limits,
    route: Vec<Route>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    sessions_max: u16,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Route {
    to: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mechanics {
    resources: String,
}

#[test]
fn a_role_says_which_services_run_which_modules() {
    let role = good(LOCAL);
    assert_eq!(role.name, "local", "the role's name should be read");
    assert_eq!(
        role.admin,
        Some(([127, 0, 0, 1], 7778).into()),
        "the admin address should be read"
    );
    assert_eq!(role.wire, WireMode::Always, "the wire mode should be read");
    let [world, front] = &role.services[..] else {
        panic!("the role should have two services: {role:?}");
    };
    assert_eq!(world.rate, Rate::Hz(20), "the world's rate should be read");
    assert_eq!(
        world.frame_budget_ms, 40,
        "the world's budget should be read"
    );
    assert_eq!(
        (world.mailbox_len_max, world.calls_pending_max),
        (10, 20),
        "its bounds should be read"
    );
    let modules: Vec<&str> = front
        .modules
        .iter()
        .map(|module| module.name.as_str())
        .collect();
    assert_eq!(
        modules,
        ["gateway", "chat"],
        "modules should stand in the file's order"
    );
}

#[test]
fn what_a_role_leaves_out_has_a_default() {
    let role = good(concat!(
        "name = 'a'\n[[service]]\nname = 'mail'\n[[service.module]]\nname = 'chat'\n",
        "[[service]]\nname = 'frames'\nrate_hz = 25\n[[service.module]]\nname = 'chat'\n",
    ));
    let [mail, frames] = &role.services[..] else {
        panic!("the role should have two services: {role:?}");
    };
    assert_eq!(
        role.admin, None,
        "no admin listener should be opened unasked"
    );
    assert_eq!(
        role.wire,
        WireMode::Local,
        "mail should be moved by default"
    );
    assert_eq!(
        mail.rate,
        Rate::Mail,
        "a service without a rate should run when mail arrives"
    );
    assert_eq!(
        (mail.mailbox_len_max, mail.calls_pending_max),
        (1024, 4096),
        "the bounds should be there"
    );
    assert_eq!(
        frames.frame_budget_ms, 40,
        "the budget should be the period"
    );
    let built = ServiceSpec::new("frames", Rate::Hz(25), Vec::new());
    assert_eq!(
        built.frame_budget_ms, 40,
        "a service built in code should have the same default"
    );
}

#[test]
fn a_module_reads_its_settings_as_often_as_it_starts() {
    let mut role = good(LOCAL);
    let gateway = role
        .module_mut("gateway")
        .expect("the role should hold the gateway");
    for _ in 0..2 {
        let config: Gateway = gateway.config().expect("the settings should fit");
        assert_eq!(
            config.listen, "127.0.0.1:7777",
            "the file's value should be read"
        );
        assert_eq!(config.origins, ["a", "b"], "lists should be read");
        assert_eq!(config.limits.sessions_max, 7, "inner tables should be read");
        assert_eq!(
            config.route[0].to, "world",
            "lists of tables should be read"
        );
    }
    let mechanics = role.services[0].modules[0].clone();
    let config =
        std::thread::spawn(move || mechanics.config::<Mechanics>().map(|read| read.resources));
    let resources = config
        .join()
        .expect("the thread should end")
        .expect("the settings should fit");
    assert_eq!(
        resources, "resources",
        "a service's thread should read its modules' settings"
    );
}

#[test]
fn what_is_set_from_outside_wins() {
    let mut role = good(LOCAL);
    let gateway = role
        .module_mut("gateway")
        .expect("the role should hold the gateway");
    gateway.set("listen", "0.0.0.0:1").set(
        "limits",
        toml::Table::from_iter([("sessions_max".into(), 9.into())]),
    );
    let config: Gateway = gateway.config().expect("the settings should fit");
    assert_eq!(
        config.listen, "0.0.0.0:1",
        "the value from outside should win"
    );
    assert_eq!(
        config.limits.sessions_max, 9,
        "a table from outside should win"
    );
    assert_eq!(
        config.origins,
        ["a", "b"],
        "what was not set should stay the file's"
    );

    gateway.set("listen", 5);
    let fault = gateway
        .config::<Gateway>()
        .expect_err("a number should be no address");
    assert_eq!(
        (fault.line, fault.key.as_str()),
        (0, "listen"),
        "no line of the file should be blamed"
    );
    let told = fault.to_string();
    assert!(
        told.starts_with(
            "roles/local.toml: key 'listen': invalid type: integer `5`, expected a string"
        ),
        "the fault should say which setting is wrong: {told}"
    );
    gateway.set("listen", "0.0.0.0:1").set("origins", "a");
    let fault = gateway
        .config::<Gateway>()
        .expect_err("a string should be no list");
    assert_eq!(
        fault.key, "origins",
        "each setting from outside should be told from the others"
    );
}

#[test]
fn a_module_can_be_made_in_code() {
    let table = toml::Table::from_iter([("resources".to_owned(), "here".into())]);
    let spec = ModuleSpec::new("mechanics", table);
    let config: Mechanics = spec.config().expect("the settings should fit");
    assert_eq!(config.resources, "here", "the table's value should be read");
    let fault = ModuleSpec::new("mechanics", toml::Table::new())
        .config::<Mechanics>()
        .expect_err("nothing is set");
    assert_eq!(
        fault.to_string(),
        "(code): key 'resources': is missing",
        "the fault should name the key"
    );
}

#[test]
fn a_fault_that_a_module_finds_points_to_its_key() {
    let role = good(LOCAL);
    let mechanics = &role.services[0].modules[0];
    let told = mechanics
        .fault("resources", "there is no such folder")
        .to_string();
    assert_eq!(
        told,
        "roles/local.toml:15:1: key 'resources': there is no such folder"
    );
    let told = mechanics.fault("maps", "is missing").to_string();
    assert_eq!(told, "roles/local.toml:13:1: key 'maps': is missing");
}

/// The settings of a gateway with one fault, and where and how it should be told.
#[test]
fn a_bad_setting_is_told_by_line_and_key() {
    #[rustfmt::skip]
    let table = [
        ("listen = 5", 7, "listen", "invalid type: integer `5`, expected a string"),
        ("lisen = 'a'", 7, "lisen", "unknown key; known are: listen, origins, limits, route; did you mean listen?"),
        ("", 5, "listen", "is missing"),
        ("listen = 'a'\norigins = 'b'", 8, "origins", "invalid type: string \"b\", expected a sequence"),
        ("listen = 'a'\norigins = [\n'b',\n6,\n]", 10, "origins[1]", "expected a string"),
        ("listen = 'a'\norigins = []\nlimits = {}", 9, "limits.sessions_max", "is missing"),
        ("listen = 'a'\norigins = []\nlimits.sessions_max = 70000", 9, "limits.sessions_max", "expected u16"),
        ("listen = 'a'\norigins = []\n[service.module.limits]\nsession_max = 1", 10, "limits.session_max", "did you mean sessions_max?"),
        ("listen = 'a'\norigins = []\nlimits.sessions_max = 1\n[[service.module.route]]\nto = 'a'\n[[service.module.route]]\nto = 1", 13, "route[1].to", "expected a string"),
    ];
    for (settings, line, key, words) in table {
        let text = format!(
            "name = 'a'\n\n[[service]]\nname = 'front'\n[[service.module]]\nname = 'gateway'\n{settings}\n"
        );
        let role = good(&text);
        let fault = role.services[0].modules[0]
            .config::<Gateway>()
            .expect_err("the settings should be refused");
        assert_eq!(
            (fault.line, fault.key.as_str()),
            (line, key),
            "the fault should be found in {settings:?}: {fault}"
        );
        assert!(
            fault.message.contains(words),
            "the fault of {settings:?} should say '{words}': {fault}"
        );
    }
}

/// One bad role a row: its text, and of its only fault the line, the column, the key and some words.
#[test]
fn a_bad_role_is_told_by_line_and_key() {
    let service = "[[service]]\nname = 'world'\n[[service.module]]\nname = 'chat'\n";
    let head = format!("name = 'a'\n{service}");
    #[rustfmt::skip]
    let table: Vec<(String, usize, usize, &str, &str)> = vec![
        (service.into(), 1, 1, "name", "is missing"),
        (format!("name = 5\n{service}"), 1, 1, "name", "must be a string, not 5"),
        (format!("name = 'A b'\n{service}"), 1, 1, "name", "must be 1 to 32 of a-z, 0-9 and -, not 'A b'"),
        (format!("name = ''\n{service}"), 1, 1, "name", "must be 1 to 32"),
        (format!("\nname = '{}'\n{service}", "a".repeat(33)), 2, 1, "name", "must be 1 to 32"),
        (format!("name = 'a'\n  wire = 'never'\n{service}"), 2, 3, "wire", "must be local or always, not 'never'"),
        (format!("name = 'a'\nadmin = 'localhost'\n{service}"), 2, 1, "admin", "as in 127.0.0.1:7778, not 'localhost'"),
        (format!("name = 'a'\nadmin = false\n{service}"), 2, 1, "admin", "must be a string, not a boolean"),
        (format!("nam = 'b'\nname = 'a'\n{service}"), 1, 1, "nam", "did you mean name?"),
        ("name = 'a'\n".into(), 1, 1, "service", "a role needs at least one [[service]]"),
        ("name = 'a'\nservice = []\n".into(), 2, 1, "service", "a role needs at least one [[service]]"),
        ("name = 'a'\n[service]\nname = 'b'\n".into(), 2, 2, "service", "must be a list of tables, written [[service]]"),
        ("name = 'a'\nservice = [5]\n".into(), 2, 12, "service", "must hold tables, not 5"),
        ("name = 'a'\n[[service]]\nname = 'b'\n".into(), 2, 1, "module", "a service needs at least one [[service.module]]"),
        (format!("{head}\n{service}"), 8, 1, "name", "another service is named 'world' too"),
        (format!("{head}[[service.module]]\nname = 'chat'\n"), 7, 1, "name", "module 'chat' stands twice in this service"),
        (format!("{head}[[service.module]]\nresources = 'a'\n"), 6, 1, "name", "is missing"),
        (format!("{head}[[service.module]]\nname = 'mechanicz'\n"), 7, 1, "name", "unknown module 'mechanicz'; known are: account, chat, gateway, mechanics; did you mean mechanics?"),
        (format!("{head}[[service.module]]\nname = 'weather'\n"), 7, 1, "name", "known are: account, chat, gateway, mechanics"),
        (with("rate_hz = 0"), 3, 1, "rate_hz", "must be 1 to 1000, not 0"),
        (with("rate_hz = 1001"), 3, 1, "rate_hz", "must be 1 to 1000, not 1001"),
        (with("rate_hz = -20"), 3, 1, "rate_hz", "must be 1 to 1000, not -20"),
        (with("rate_hz = 99999999999999999999999"), 3, 1, "rate_hz", "must be 1 to 1000, not 99999999999999999999999"),
        (with("rate_hz = 20.5"), 3, 1, "rate_hz", "must be 1 to 1000, not 20.5"),
        (with("rate_hz = '20'"), 3, 1, "rate_hz", "must be 1 to 1000, not a string"),
        (with("rate_hz = 20\nframe_budget_ms = 51"), 4, 1, "frame_budget_ms", "must be 1 to 50, not 51"),
        (with("frame_budget_ms = 0"), 3, 1, "frame_budget_ms", "must be 1 to 1000, not 0"),
        (with("mailbox_len_max = 0"), 3, 1, "mailbox_len_max", "must be 1 to 1000000, not 0"),
        (with("calls_pending_max = [1]"), 3, 1, "calls_pending_max", "must be 1 to 1000000, not an array"),
        (with("rate = 20"), 3, 1, "rate", "unknown key; known are: name, rate_hz, frame_budget_ms"),
        (with("é = 1"), 3, 1, "", "invalid"),
        (with("rate_hz = "), 3, 11, "", "expected"),
        (with("rate_hz = 1\nrate_hz = 2"), 4, 1, "", "duplicate key"),
    ];
    for (text, line, column, key, words) in table {
        let faults = parse(&text).expect_err("the role should be refused");
        let [fault] = &faults[..] else {
            panic!("the role should have one fault: {faults:?}\n{text}");
        };
        let place = (fault.line, fault.column, fault.key.as_str());
        assert_eq!(
            place,
            (line, column, key),
            "the fault should be found: {fault}\n{text}"
        );
        assert!(
            fault.message.contains(words),
            "the fault should say '{words}': {fault}\n{text}"
        );
    }
}

/// A role whose service has these settings from its third line on.
fn with(settings: &str) -> String {
    format!(
        "name = 'a'\n[[service]]\n{settings}\nname = 'world'\n[[service.module]]\nname = 'chat'\n"
    )
}

#[test]
fn all_faults_come_in_one_report() {
    let faults = parse("name = 'A'\nwire = 1\n[[service]]\nrate_hz = 0\ncolour = 1\n[[service.module]]\nname = 'chatt'\n")
        .expect_err("the role should be refused");
    let told: Vec<String> = faults.iter().map(RoleFault::to_string).collect();
    assert_eq!(
        told,
        [
            "roles/local.toml:1:1: key 'name': must be 1 to 32 of a-z, 0-9 and -, not 'A'",
            "roles/local.toml:2:1: key 'wire': must be a string, not 1",
            "roles/local.toml:3:1: key 'name': is missing",
            "roles/local.toml:4:1: key 'rate_hz': must be 1 to 1000, not 0",
            "roles/local.toml:5:1: key 'colour': unknown key; known are: name, rate_hz, frame_budget_ms, \
             mailbox_len_max, calls_pending_max, singular, module",
            "roles/local.toml:7:1: key 'name': unknown module 'chatt'; known are: account, chat, gateway, mechanics; \
             did you mean chat?",
        ],
        "the report should hold every fault in the file's order"
    );
}

#[test]
fn a_role_that_cannot_be_read_says_so() {
    let faults = Role::load("roles/no-such-role.toml", &KNOWN).expect_err("there is no such file");
    let told = faults[0].to_string();
    assert!(
        told.starts_with("roles/no-such-role.toml: cannot be read: "),
        "the file should be named: {told}"
    );
}

const CLUSTER: &str = r#"
name = "mechanics"

[cluster]
name = "meadow"
nats = ["tls://one:4222", "tls://two:4222"]
user = "realm"
password = "hen-and-egg"
ca = "ca.pem"
start_within_ms = 500

[[service]]
name = "world"
[[service.module]]
name = "mechanics"
"#;

#[test]
fn a_cluster_names_its_broker_and_shows_no_password() {
    let role = good(CLUSTER);
    let cluster = role.cluster.as_ref().expect("there should be a cluster");
    assert_eq!(cluster.nats, ["tls://one:4222", "tls://two:4222"]);
    assert_eq!(cluster.start_within_ms, 500, "a start should wait so long");
    assert_eq!(
        cluster.ca.as_deref(),
        Some(Path::new("roles/ca.pem")),
        "a file should be sought beside the role"
    );
    assert!(
        !format!("{role:?}").contains("egg"),
        "the password should not be shown"
    );
    let bad = CLUSTER.replace("tls://one:4222", "nats://realm:hen-and-egg@one:4222");
    let faults = parse(&bad).expect_err("a password in an address should be refused");
    let told = format!("{faults:?} {}", faults[0]);
    assert!(
        told.contains("user and password stand beside it"),
        "it should be told where it belongs: {told}"
    );
    assert!(!faults[0].to_string().contains("egg"), "and not shown");
}

const CLUSTERED: &str = r#"
name = "balancer"

[cluster]
name = "meadow"
nats = "nats://127.0.0.1:4222"
lease_ms = 900

[[service]]
name = "rooms"
singular = "standby"

[[service.module]]
name = "chat"
"#;

#[test]
fn a_role_says_what_is_singular_and_how_long_a_lease_lasts() {
    let role = good(CLUSTERED);
    assert_eq!(
        role.services[0].singular,
        Some(Singular::StandBy),
        "the service should be singular"
    );
    assert_eq!(
        role.cluster.map(|cluster| cluster.lease_ms),
        Some(900),
        "the lease should be the role's"
    );
    let role = good(&CLUSTERED.replace("lease_ms = 900", ""));
    assert_eq!(
        role.cluster.map(|cluster| cluster.lease_ms),
        Some(LEASE_MS_DEFAULT),
        "a role need not say how long"
    );
    for (was, is, said) in [
        (
            "\"standby\"",
            "\"always\"",
            "must be standby or refuse, not 'always'",
        ),
        ("900", "10000", "must be 300 to 3000, not 10000"),
    ] {
        let faults = parse(&CLUSTERED.replace(was, is)).expect_err("the role should be refused");
        assert_eq!(faults.len(), 1, "there should be one fault: {faults:?}");
        assert!(
            faults[0].to_string().contains(said),
            "the fault should say '{said}': {}",
            faults[0]
        );
    }
}
