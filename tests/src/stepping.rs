//! A realm without sockets, stepped by hand on one thread: one seed is one story.

use std::cell::RefCell;
use std::rc::Rc;

use actors::gateway::memory;
use actors::launch::{self, Launch};
use client::smoke::{Story, kill_the_dog};
use realm::role::{ModuleSpec, Rate, ServiceSpec};
use realm::{Hub, Module, ModuleError, Moment, ServiceCx, Trace, stepped};
use serde::Deserialize;
use tests::{Mode, PASSWORD};

thread_local! {
    /// How the story ended. A stepped realm is one thread, so its test and its player share this.
    static ENDED: RefCell<Option<Result<Story, String>>> = const { RefCell::new(None) };
}

/// The longest story, in the realm's own time.
const STORY_S: u64 = 300;

/// A player who lives in the realm's own process.
struct Hunter;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HunterConfig {}

impl Module for Hunter {
    const NAME: &'static str = "hunter";
    type Config = HunterConfig;

    fn new(_: HunterConfig, _: &ServiceCx) -> Result<Self, ModuleError> {
        Ok(Self)
    }

    async fn start(self: &Rc<Self>, cx: &ServiceCx) -> Result<(), ModuleError> {
        let realm = cx.clone();
        cx.run(async move {
            let connect = async || {
                memory::dial(&realm)
                    .await
                    .map_err(|error| client::Closed::because(error.to_string()))
            };
            let story = kill_the_dog(connect, "Hunter", PASSWORD, &mut |_| {}).await;
            ENDED.set(Some(story.map_err(|failure| failure.to_string())));
        });
        Ok(())
    }
}

/// Plays the story from a seed; returns what ran, and how it ended.
fn play(seed: u64) -> (Vec<String>, Result<Story, String>) {
    ENDED.set(None);
    let folder = tempfile::tempdir().expect("a test needs a temporary folder");
    let mut roles = tests::roles(Mode::Local);
    if let Some(gateway) = roles[0].module_mut("gateway") {
        *gateway = ModuleSpec::new("gateway", toml::Table::new());
    }
    let hunter = ModuleSpec::new("hunter", toml::Table::new());
    roles[0]
        .services
        .push(ServiceSpec::new("hunter", Rate::Mail, vec![hunter]));
    let trace = Trace::new();
    let noted = trace.clone();
    let ended = stepped(|stepper| async move {
        let launch = Launch {
            data: folder.path().to_owned(),
            listen: None,
            admin: None,
            wire: None,
            modules: launch::modules().with::<Hunter>(),
            clock: stepper.clock().clone(),
            seed,
            outside: stepper.outside().clone(),
            nats: Default::default(),
            hub: Hub::new(stepper.clock().clone()),
            stepped: Some(stepper.here()),
            trace: Some(noted),
        };
        let launching = actix_rt::spawn(async move { launch.start(roles).await });
        while !launching.is_finished() {
            stepper.settle().await;
        }
        let nodes = launching
            .await
            .expect("the launch should not panic")
            .expect("the realm should start");
        let until = Moment::default() + std::time::Duration::from_secs(STORY_S);
        let done = stepper
            .step_until(until, || ENDED.with_borrow(Option::is_some))
            .await;
        assert!(
            done,
            "the story should end within {STORY_S} s of the realm's time"
        );
        drop(nodes);
        ENDED.take().expect("the story has ended")
    });
    (
        trace.lines(),
        ended.expect("a stepped realm needs a runtime"),
    )
}

#[test]
fn one_seed_is_one_story_and_another_seed_another() {
    let (first, story) = play(11);
    let story = story.expect("the dog should be killed in a stepped realm");
    assert!(story.coins > 0, "the dog should have had coins");
    assert!(
        first.len() > 1000,
        "a story should leave a trace, not {} lines",
        first.len()
    );
    let (second, again) = play(11);
    let differs = first.iter().zip(&second).position(|(a, b)| a != b);
    assert_eq!(
        differs.map(|line| (line, &first[line], &second[line])),
        None,
        "two runs of one seed should leave equal traces"
    );
    assert_eq!(
        first.len(),
        second.len(),
        "two runs of one seed should leave traces of one length"
    );
    assert_eq!(Ok(story), again, "two runs of one seed should end alike");
    let (third, _) = play(12);
    assert_ne!(first, third, "another seed should leave another trace");
}
