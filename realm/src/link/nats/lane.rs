//! What passes between this node and another: batches that wait, those that are on their way until the other has told that
//! it took them, and what came from there. It decides who may send; it sends nothing.
//!
//! A node keeps at most [`WINDOW_BYTES`] on their way to another. So neither the broker nor its client ever has to hold more
//! of a slow reader's mail than that, and neither drops any: what is too much waits here, where it is seen.

use std::collections::VecDeque;
use std::time::Duration;

use super::frame::{Batch, Head, Kind};
use crate::clock::Moment;

/// What may be on its way to one node; the batch that passes the mark still goes.
pub(super) const WINDOW_BYTES: usize = 512 * 1024;
/// What a batch counts for at least: the broker's client bounds what it holds by number, not by bytes.
pub(super) const BATCH_COST_BYTES: usize = 4 * 1024;
/// A reader tells what it took at the latest when it is so much.
const TELL_BYTES: usize = WINDOW_BYTES / 4;
/// What may wait for one node, beside control mail; beyond it mail comes back.
pub(super) const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Beyond this the services hold mail back …
pub(super) const WAITING_BYTES_HIGH: usize = 4 * 1024 * 1024;
/// … until it is down to this.
pub(super) const WAITING_BYTES_LOW: usize = 1024 * 1024;
/// A reader that has told nothing for so long is asked, and asked again: what it told may be lost.
pub(super) const ASK_AFTER: Duration = Duration::from_millis(200);
/// A reader that has taken nothing for so long stands still. Nobody is held back for it: one dead machine must not stop
/// those that live. Its mail is refused at the bound.
pub(super) const STALLED_AFTER: Duration = Duration::from_secs(1);

/// What came in a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// The next; or one after so many that are missing.
    New { missing: u64 },
    /// One that came before, or that a later one has overtaken.
    Old,
}

/// The traffic with one node.
#[derive(Debug, Default)]
pub(super) struct Lane {
    waiting: VecDeque<Batch>,
    waiting_bytes: usize,
    /// The number of the last batch that was sent.
    sent: u64,
    /// Number and cost of each batch that the other has not told of.
    on_way: VecDeque<(u64, usize)>,
    on_way_bytes: usize,
    /// When the other last took something, or there was nothing for it to take.
    moved: Moment,
    asked: Moment,
    /// The last number from there.
    heard: u64,
    untold_bytes: usize,
    tells: bool,
}

impl Lane {
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// True when a parcel of this length has no room.
    pub(super) fn is_full_for(&self, len: usize) -> bool {
        self.waiting_bytes + len > WAITING_BYTES_MAX
    }

    /// Appends a parcel; a batch comes to at most `len_max` bytes.
    pub(super) fn push(&mut self, parcel: &[u8], len_max: usize, now: Moment) {
        if self.waiting.is_empty() && self.on_way.is_empty() {
            self.moved = now;
        }
        let full = |batch: &Batch| batch.is_full_for(parcel, len_max);
        if self.waiting.back().is_none_or(full) {
            self.waiting.push_back(Batch::new());
        }
        if let Some(batch) = self.waiting.back_mut() {
            let before = batch.len();
            batch.push(parcel);
            self.waiting_bytes += batch.len() - before;
        }
    }

    /// All that waits, in order.
    pub(super) fn empty(&mut self) -> impl Iterator<Item = Batch> {
        self.waiting_bytes = 0;
        self.on_way.clear();
        self.on_way_bytes = 0;
        std::mem::take(&mut self.waiting).into_iter()
    }

    /// The next batch to send, if there is one and it may go now.
    pub(super) fn next(&mut self, from: crate::address::Birth, now: Moment) -> Option<Vec<u8>> {
        let may = self.on_way_bytes < WINDOW_BYTES;
        let (kind, batch) = if may && let Some(batch) = self.waiting.pop_front() {
            self.sent += 1;
            let cost = cost(batch.len());
            self.on_way.push_back((self.sent, cost));
            self.on_way_bytes += cost;
            // The head was never counted as waiting.
            self.waiting_bytes -= batch.len() - super::frame::HEAD_BYTES;
            (Kind::Mail, batch)
        } else if self.asks_at().is_some_and(|at| at <= now) {
            self.asked = now;
            (Kind::Ask, Batch::new())
        } else if self.tells {
            (Kind::Tell, Batch::new())
        } else {
            return None;
        };
        // Whatever goes there tells what was heard.
        self.tells = false;
        self.untold_bytes = 0;
        let head = Head {
            from,
            kind,
            number: if kind == Kind::Tell { 0 } else { self.sent },
            heard: self.heard,
        };
        Some(batch.sealed(head))
    }

    /// When the reader is to be asked what it has taken, if mail waits for that.
    pub(super) fn asks_at(&self) -> Option<Moment> {
        let stuck = !self.waiting.is_empty() && self.on_way_bytes >= WINDOW_BYTES;
        stuck.then(|| self.moved.max(self.asked) + ASK_AFTER)
    }

    /// The other has told what it heard; true when that makes room.
    pub(super) fn told(&mut self, heard: u64, now: Moment) -> bool {
        let before = self.on_way_bytes;
        while let Some((number, cost)) = self.on_way.front()
            && *number <= heard
        {
            self.on_way_bytes -= cost;
            self.on_way.pop_front();
        }
        let moved = self.on_way_bytes < before;
        if moved {
            self.moved = now;
        }
        moved && !self.waiting.is_empty()
    }

    /// A numbered batch came.
    pub(super) fn came(&mut self, kind: Kind, number: u64) -> Came {
        let next = match kind {
            Kind::Mail => self.heard + 1,
            // The number is that of a batch before it.
            Kind::Ask => self.heard,
            Kind::Tell => return Came::New { missing: 0 },
        };
        if number < next {
            return Came::Old;
        }
        self.heard = number;
        Came::New {
            missing: number - next,
        }
    }

    /// A batch was taken in; true when the other is to be told.
    pub(super) fn took(&mut self, kind: Kind, len: usize) -> bool {
        match kind {
            Kind::Mail => {
                self.untold_bytes += cost(len);
                self.tells |= self.untold_bytes >= TELL_BYTES;
            }
            Kind::Ask => self.tells = true,
            Kind::Tell => {}
        }
        self.tells
    }

    /// True while so much waits, and goes on, that senders should hold back.
    pub(super) fn presses(&self, held: bool, now: Moment) -> bool {
        let mark = if held {
            WAITING_BYTES_LOW
        } else {
            WAITING_BYTES_HIGH
        };
        self.waiting_bytes > mark && now.since(self.moved) < STALLED_AFTER
    }
}

fn cost(len: usize) -> usize {
    len.max(BATCH_COST_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Birth;
    use crate::link::nats::frame;

    const LEN_MAX: usize = 1024 * 1024;

    fn me() -> Birth {
        Birth::new(1).unwrap()
    }

    fn head(batch: Option<Vec<u8>>) -> Head {
        frame::read(&batch.expect("there should be a batch to send"))
            .expect("what a lane sends should be a batch")
            .0
    }

    fn fill(lane: &mut Lane, batches: usize) {
        for _ in 0..batches {
            lane.push(&[0; BATCH_COST_BYTES * 16], LEN_MAX, Moment::default());
        }
    }

    #[test]
    fn a_window_is_sent_and_more_only_when_the_reader_has_told_what_it_took() {
        let (mut lane, now) = (Lane::default(), Moment::default());
        fill(&mut lane, 20);
        let sent = std::iter::from_fn(|| lane.next(me(), now)).count();
        assert_eq!(sent, 8, "half a mebibyte should be on its way");
        assert!(lane.told(3, now), "what was taken should make room");
        let next = [head(lane.next(me(), now)), head(lane.next(me(), now))];
        assert_eq!(
            next.map(|head| (head.kind, head.number)),
            [(Kind::Mail, 9), (Kind::Mail, 10)],
            "the next should follow, in order"
        );
        assert!(!lane.told(3, now), "what was told before makes no room");
    }

    #[test]
    fn a_reader_that_tells_nothing_is_asked_again_and_again() {
        let (mut lane, start) = (Lane::default(), Moment::default());
        fill(&mut lane, 20);
        while lane.next(me(), start).is_some() {}
        for times in 1..=3 {
            let at = start + ASK_AFTER * times;
            assert_eq!(lane.asks_at(), Some(at), "it should be asked in its time");
            let asked = head(lane.next(me(), at));
            assert_eq!(
                (asked.kind, asked.number),
                (Kind::Ask, 8),
                "it should be told how much was sent"
            );
            assert!(lane.next(me(), at).is_none(), "once is enough");
        }
    }

    #[test]
    fn a_reader_counts_what_is_missing_and_drops_what_is_old() {
        let mut lane = Lane::default();
        for (kind, number, came) in [
            (Kind::Mail, 1, Came::New { missing: 0 }),
            (Kind::Mail, 2, Came::New { missing: 0 }),
            (Kind::Mail, 2, Came::Old),
            (Kind::Ask, 2, Came::New { missing: 0 }),
            (Kind::Mail, 5, Came::New { missing: 2 }),
            (Kind::Mail, 4, Came::Old),
            (Kind::Ask, 8, Came::New { missing: 3 }),
            (Kind::Mail, 9, Came::New { missing: 0 }),
        ] {
            assert_eq!(lane.came(kind, number), came, "{kind:?} {number}");
        }
    }

    #[test]
    fn a_reader_tells_when_a_quarter_of_a_window_is_taken_or_it_is_asked() {
        let (mut lane, now) = (Lane::default(), Moment::default());
        lane.came(Kind::Mail, 1);
        assert!(
            !lane.took(Kind::Mail, 1000),
            "a little need not be told apart"
        );
        assert!(lane.next(me(), now).is_none(), "nor sent");
        lane.came(Kind::Mail, 2);
        assert!(
            lane.took(Kind::Mail, TELL_BYTES),
            "a quarter should be told"
        );
        let told = head(lane.next(me(), now));
        assert_eq!((told.kind, told.heard), (Kind::Tell, 2), "up to the last");
        assert!(lane.took(Kind::Ask, 21), "who is asked should tell");
    }

    #[test]
    fn senders_hold_back_between_the_marks_and_not_for_a_reader_that_stands_still() {
        let (mut lane, start) = (Lane::default(), Moment::default());
        fill(&mut lane, 80);
        assert!(lane.presses(false, start), "above the high mark");
        let late = start + STALLED_AFTER;
        assert!(!lane.presses(false, late), "one that stands still");
        while lane.waiting_bytes() > WAITING_BYTES_LOW + WINDOW_BYTES {
            let _ = lane.next(me(), start);
            lane.told(lane.sent, start);
        }
        assert!(!lane.presses(false, start), "below the high mark");
        assert!(
            lane.presses(true, start),
            "held, and not yet at the low one"
        );
        while lane.waiting_bytes() > WAITING_BYTES_LOW {
            let _ = lane.next(me(), start);
            lane.told(lane.sent, start);
        }
        assert!(!lane.presses(true, start), "down to the low one");
    }
}
