//! The link over NATS at its bounds: readers that stand still, a broker that dies, and what is too long.

mod brokers;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use realm::metrics::LinkMetrics;
use realm::role::Cluster;
use realm::{Announcement, Birth, Clock, Inlet, Link, Nats, Network, Returned, Why};
use tests::broker::Broker;
use tokio::sync::mpsc;

use crate::probe::{birth, cluster, within};

/// Runs a test on threads of which one may stand still.
fn run<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(6)
        .enable_all()
        .build();
    let runtime = runtime.expect("a test needs a runtime");
    let test = std::panic::AssertUnwindSafe(|| runtime.block_on(within(test)));
    let output = std::panic::catch_unwind(test);
    // A thread that still stands still is not waited for.
    runtime.shutdown_background();
    output.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A node's inlet that keeps what comes, or stands still until it is let go.
struct Post {
    mail: mpsc::UnboundedSender<Vec<u8>>,
    topics: mpsc::UnboundedSender<(Arc<str>, Bytes)>,
    returned: Mutex<Vec<(Vec<u8>, Why)>>,
    joined: Mutex<Vec<Birth>>,
    held: AtomicBool,
    stands_still: Mutex<Option<&'static str>>,
    goes_on: Condvar,
    counts: Arc<LinkMetrics>,
    lost: AtomicBool,
}

impl Post {
    /// With `what` it stands still: `mail`, or a topic.
    fn stand_still(&self, what: Option<&'static str>) {
        *self.stands_still.lock().expect("nobody panics here") = what;
        self.goes_on.notify_all();
    }

    fn pass(&self, what: &str) {
        let mut still = self.stands_still.lock().expect("nobody panics here");
        if *still != Some(what) {
            return;
        }
        // So that the runtime gives the thread's other tasks to another thread.
        tokio::task::block_in_place(|| {
            while *still == Some(what) {
                still = self.goes_on.wait(still).expect("nobody panics here");
            }
        });
    }

    fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst)
    }
}

impl Inlet for Post {
    fn mail(&self, parcels: Vec<Vec<u8>>) {
        self.pass("mail");
        for parcel in parcels {
            let _ = self.mail.send(parcel);
        }
    }

    fn returned(&self, returned: Returned) {
        let mut all = self.returned.lock().expect("nobody panics here");
        all.extend(returned.parcels);
    }

    fn hold_back(&self, hold: bool) {
        self.held.store(hold, Ordering::SeqCst);
    }

    fn link_metrics(&self) -> Arc<LinkMetrics> {
        self.counts.clone()
    }

    fn connection_lost(&self) {
        self.lost.store(true, Ordering::SeqCst);
    }

    fn heard(&self, topic: Arc<str>, bytes: Bytes) {
        self.pass(&topic);
        let _ = self.topics.send((topic, bytes));
    }

    fn joined(&self, node: Announcement) {
        let mut joined = self.joined.lock().expect("nobody panics here");
        joined.push(node.birth);
    }

    fn lost(&self, _: Birth) {}
}

/// A node without an engine.
struct End {
    link: Arc<dyn Link>,
    post: Arc<Post>,
    mail: mpsc::UnboundedReceiver<Vec<u8>>,
    topics: mpsc::UnboundedReceiver<(Arc<str>, Bytes)>,
}

impl End {
    async fn join(number: u32, cluster: &Cluster) -> Self {
        let nats = Nats::connect(cluster, Clock::machine()).await;
        let nats = nats.expect("the broker should take a connection");
        let (mail, mails) = mpsc::unbounded_channel();
        let (topics, heard) = mpsc::unbounded_channel();
        let post = Arc::new(Post {
            mail,
            topics,
            returned: Mutex::default(),
            joined: Mutex::default(),
            held: AtomicBool::new(false),
            stands_still: Mutex::new(None),
            goes_on: Condvar::new(),
            counts: Arc::default(),
            lost: AtomicBool::new(false),
        });
        let inlet: Arc<dyn Inlet> = post.clone();
        let inlet: Weak<dyn Inlet> = Arc::downgrade(&inlet);
        let link = nats.connect(birth(number), inlet);
        link.announce(Announcement {
            birth: birth(number),
            role: "test".to_owned(),
            revision: 1,
            classes: 0,
            services: Vec::new(),
        });
        Self {
            link,
            post,
            mail: mails,
            topics: heard,
        }
    }

    async fn knows(&self, number: u32) {
        until(|| {
            let joined = self.post.joined.lock().expect("nobody panics here");
            joined.contains(&birth(number))
        })
        .await;
    }

    /// Sends a numbered parcel; false when it came back.
    fn send(&self, to: u32, number: u64, len: usize) -> Result<(), Why> {
        match self.link.mail(birth(to), vec![parcel(number, len)]) {
            Ok(()) => Ok(()),
            Err(returned) => {
                assert_eq!(
                    returned.parcels.len(),
                    1,
                    "what is refused should come back, once"
                );
                Err(returned.parcels[0].1)
            }
        }
    }

    async fn next(&mut self) -> u64 {
        let parcel = within(self.mail.recv()).await;
        number_of(&parcel.expect("the post should live"))
    }

    async fn heard(&mut self) -> (String, Bytes) {
        let heard = within(self.topics.recv()).await;
        let (topic, bytes) = heard.expect("the post should live");
        (topic.to_string(), bytes)
    }
}

/// A parcel that begins as a message does.
fn parcel(number: u64, len: usize) -> Vec<u8> {
    let mut parcel = vec![0; len.max(10)];
    parcel[0] = 0x96;
    parcel[2..10].copy_from_slice(&number.to_le_bytes());
    parcel
}

fn number_of(parcel: &[u8]) -> u64 {
    u64::from_le_bytes(parcel[2..10].try_into().expect("a parcel has a number"))
}

async fn until(is: impl Fn() -> bool) {
    let clock = Clock::machine();
    within(async {
        while !is() {
            clock.sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

async fn two(cluster: &Cluster) -> (End, End) {
    let ends = (End::join(1, cluster).await, End::join(2, cluster).await);
    ends.0.knows(2).await;
    ends.1.knows(1).await;
    ends
}

/// What may wait for one node, and what may be on its way to it, with room for the batches that pass the mark.
const WAITING_BYTES_MAX: i64 = 8 * 1024 * 1024;
const PARCEL_LEN: usize = 1000;

#[test]
fn a_reader_that_stands_still_makes_the_sender_hold_back_and_then_has_everything_in_order() {
    run(async {
        let broker = Broker::start();
        let (here, mut there) = two(&cluster(&broker)).await;
        there.post.stand_still(Some("mail"));
        let mut sent = 0;
        while !here.post.is_held() {
            assert_eq!(
                here.send(2, sent, PARCEL_LEN),
                Ok(()),
                "the sender should be told to hold back before anything is refused"
            );
            sent += 1;
        }
        let waiting = here.post.counts.queue_bytes.get();
        assert!(
            waiting <= WAITING_BYTES_MAX / 2 + 100_000,
            "the sender should be told early: at {waiting} bytes"
        );
        // Nobody is held back for one that does not move at all.
        until(|| !here.post.is_held()).await;
        let why = loop {
            match here.send(2, sent, PARCEL_LEN) {
                Ok(()) => sent += 1,
                Err(why) => break why,
            }
        };
        assert_eq!(why, Why::Full, "at the bound mail should come back");
        assert_eq!(
            here.post.counts.refused_full.get(),
            1,
            "and be counted there"
        );
        assert!(
            here.post.counts.queue_bytes.get() <= WAITING_BYTES_MAX,
            "the bound should hold"
        );
        there.post.stand_still(None);
        for number in 0..sent {
            assert_eq!(
                there.next().await,
                number,
                "all that was taken should come, in order"
            );
        }
        assert_eq!(here.send(2, sent, 10), Ok(()), "there should be room again");
        assert_eq!(there.next().await, sent, "and nothing should come twice");
        assert_eq!(
            there.post.counts.gaps_from(birth(1)),
            (0, 0),
            "nothing should be missing"
        );
    });
}

#[test]
fn a_sender_that_holds_back_when_it_is_told_has_nothing_refused() {
    run(async {
        let broker = Broker::start();
        let (here, mut there) = two(&cluster(&broker)).await;
        let reading = tokio::spawn(async move {
            for number in 0..60_000 {
                assert_eq!(there.next().await, number, "all should come, in order");
            }
        });
        for number in 0..60_000 {
            while here.post.is_held() {
                tokio::task::yield_now().await;
            }
            assert_eq!(
                here.send(2, number, PARCEL_LEN),
                Ok(()),
                "nothing should be refused of a sender that holds back"
            );
        }
        within(reading).await.expect("all should have come");
    });
}

#[test]
fn control_mail_passes_where_other_mail_is_refused() {
    run(async {
        let broker = Broker::start();
        let (here, there) = two(&cluster(&broker)).await;
        there.post.stand_still(Some("mail"));
        while here.send(2, 0, 100_000).is_ok() {}
        let mut reply = parcel(7, 100_000);
        reply[1] = 2;
        assert!(
            here.link.mail(birth(2), vec![reply]).is_ok(),
            "an answer should not be refused"
        );
        there.post.stand_still(None);
    });
}

#[test]
fn what_a_dying_broker_loses_is_found_as_a_gap_and_what_waits_goes_out_when_it_is_back() {
    run(async {
        let mut broker = Broker::start();
        let (here, mut there) = two(&cluster(&broker)).await;
        assert_eq!(here.send(2, 0, PARCEL_LEN), Ok(()), "there is room");
        assert_eq!(there.next().await, 0, "the first should come");
        broker.signal("STOP");
        let batches = here.post.counts.batches_sent.get();
        assert_eq!(here.send(2, 1, PARCEL_LEN), Ok(()), "there is room");
        until(|| here.post.counts.batches_sent.get() > batches).await;
        // The connection that it was given to is given up, and what went into it is never read.
        until(|| here.post.lost.load(Ordering::SeqCst)).await;
        broker.kill();
        let mut sent = 2;
        while sent < 2002 {
            assert_eq!(
                here.send(2, sent, PARCEL_LEN),
                Ok(()),
                "there is room while the broker is away"
            );
            sent += 1;
        }
        broker.start_again();
        until(|| here.post.counts.reconnects.get() > 0).await;
        until(|| there.post.counts.reconnects.get() > 0).await;
        let mut last = 0;
        let mut came = 0;
        // What is sent until the reader is back is lost too, and no more than that.
        while last + 1 < sent {
            #[allow(
                clippy::disallowed_methods,
                reason = "what a broker lost never comes: only real time tells"
            )]
            let parcel = tokio::time::timeout(Duration::from_millis(50), there.mail.recv()).await;
            let Ok(Some(parcel)) = parcel else {
                assert_eq!(here.send(2, sent, PARCEL_LEN), Ok(()), "there is room");
                sent += 1;
                continue;
            };
            let number = number_of(&parcel);
            assert!(number > last, "{number} should not come after {last}");
            last = number;
            came += 1;
        }
        let (gaps, batches) = there.post.counts.gaps_from(birth(1));
        assert!(
            gaps >= 1 && batches >= 1,
            "the reader should count what the broker lost: {gaps} gaps, {batches} batches"
        );
        assert!(came > 0, "what waited should have come");
    });
}

#[test]
fn a_parcel_longer_than_the_broker_takes_comes_back_and_the_others_go() {
    run(async {
        let broker = Broker::start();
        let (here, mut there) = two(&cluster(&broker)).await;
        let parcels = vec![parcel(0, 10), parcel(1, 1024 * 1024), parcel(2, 10)];
        let returned = here.link.mail(birth(2), parcels.clone());
        assert_eq!(
            returned,
            Err(Returned {
                parcels: vec![(parcels[1].clone(), Why::TooLong)]
            }),
            "what is too long should come back, and say so"
        );
        assert_eq!(there.next().await, 0, "the one before should come");
        assert_eq!(there.next().await, 2, "the one after should come");
        assert_eq!(
            here.send(2, 3, 1024 * 1024 - 25),
            Ok(()),
            "the longest should go"
        );
        assert_eq!(there.next().await, 3, "the longest should come");
        let topic: Arc<str> = "long".into();
        here.link.publish(&topic, vec![0; 1024 * 1024 + 1].into());
        let counts = &here.post.counts;
        assert_eq!(
            (counts.refused_too_long.get(), counts.topics_dropped.get()),
            (1, 1),
            "both should be counted"
        );
    });
}

#[test]
fn mail_to_a_node_that_leaves_comes_back() {
    run(async {
        let broker = Broker::start();
        let (here, there) = two(&cluster(&broker)).await;
        there.post.stand_still(Some("mail"));
        while here.send(2, 0, 100_000).is_ok() {}
        there.link.leave().await;
        until(|| {
            !here
                .post
                .returned
                .lock()
                .expect("nobody panics here")
                .is_empty()
        })
        .await;
        assert_eq!(
            here.send(2, 1, 10),
            Err(Why::Unreachable),
            "a node that has left should take no more"
        );
        let returned = here.post.returned.lock().expect("nobody panics here");
        assert!(
            returned.len() > 70 && returned.iter().all(|(_, why)| *why == Why::Unreachable),
            "what waited for it should have come back: {}",
            returned.len()
        );
        assert_eq!(
            here.post.counts.queue_bytes.get(),
            0,
            "nothing should wait any more"
        );
        there.post.stand_still(None);
    });
}

#[test]
fn a_reader_of_a_topic_that_stands_still_is_seen_and_holds_up_no_other() {
    run(async {
        let broker = Broker::start();
        let (here, mut there) = two(&cluster(&broker)).await;
        let (slow, quick): (Arc<str>, Arc<str>) = ("slow".into(), "quick".into());
        there.post.stand_still(Some("slow"));
        there.link.subscribe(&slow);
        there.link.subscribe(&quick);
        // Mail does not overtake that a node takes part.
        assert_eq!(there.send(1, 0, 10), Ok(()), "there is room");
        let mut here = here;
        here.next().await;
        for _ in 0..20_000 {
            here.link.publish(&slow, Bytes::from_static(b"cell"));
        }
        until(|| there.post.counts.slow_consumers.get() > 0).await;
        here.link.publish(&quick, Bytes::from_static(b"chat"));
        assert_eq!(
            there.heard().await,
            ("quick".to_owned(), Bytes::from_static(b"chat")),
            "another topic should be heard at once"
        );
        assert_eq!(here.send(2, 9, 10), Ok(()), "there is room");
        assert_eq!(there.next().await, 9, "and mail come");
        there.post.stand_still(None);
    });
}
