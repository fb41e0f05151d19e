//! Reads the heads of WebSocket frames before the codec sees their bodies. The codec checks a frame's length only when
//! all of it has come, and takes in all that has come before it looks at the first frame; so a client could make it
//! hold any amount. Refuses frames that claim too much or break RFC 6455, and hands on one frame at a time.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::Stream;

/// The longest frame that a client may begin. A command takes far less; what lies between is read and then refused by
/// its own close code.
pub(super) const FRAME_LEN_MAX: u64 = 16 * 1024;

/// The longest head: two bytes, eight of length, four of mask.
const HEAD_LEN_MAX: usize = 14;

/// Bits that belong to extensions; we have none.
const RESERVED: u8 = 0x70;
/// The last frame of a message.
const FINAL: u8 = 0x80;
/// Frames from here on are control frames.
const CONTROL: u8 = 0x08;
/// The longest body of a control frame.
const CONTROL_LEN_MAX: u64 = 125;

/// What is wrong with a client's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A frame claims more than there may be.
    TooLong,
    /// There are more control frames than anybody needs.
    TooMany,
    /// A text: commands are binary.
    Text,
    /// RFC 6455 does not allow it, as the text says.
    Protocol(&'static str),
}

/// Where a scanner leaves what is wrong. The stream between it and the reader turns all errors into one.
pub(super) type FaultCell = Rc<Cell<Option<Fault>>>;

/// A client's bytes, cut at the ends of frames.
pub(super) struct Scanner<S> {
    source: S,
    /// What has come and was not handed on yet.
    rest: Bytes,
    head: Vec<u8>,
    /// Bytes of the present frame's body that are still to come.
    body_left: u64,
    /// A frame was handed on; the codec has to take it before it gets more.
    frame_out: bool,
    fault: FaultCell,
}

impl<S> Scanner<S> {
    /// Scans `source`; leaves a fault in `fault` when it comes to an error of its own.
    pub(super) fn new(source: S, fault: FaultCell) -> Self {
        Self {
            source,
            rest: Bytes::new(),
            head: Vec::with_capacity(HEAD_LEN_MAX),
            body_left: 0,
            frame_out: false,
            fault,
        }
    }

    /// Takes from `rest` what belongs to the present frame; notes when it ends.
    fn cut(&mut self) -> Result<Bytes, PayloadError> {
        let mut at = 0;
        while self.body_left == 0 && at < self.rest.len() {
            self.head.push(self.rest[at]);
            at += 1;
            if let Some(length) = length_of(&self.head) {
                if let Some(fault) = fault_of(&self.head, length) {
                    self.fault.set(Some(fault));
                    return Err(PayloadError::Overflow);
                }
                self.head.clear();
                self.body_left = length;
                if length == 0 {
                    self.frame_out = true;
                    return Ok(self.rest.split_to(at));
                }
            }
        }
        let left = usize::try_from(self.body_left).unwrap_or(usize::MAX);
        let body = left.min(self.rest.len() - at);
        self.body_left -= body as u64;
        self.frame_out = body > 0 && self.body_left == 0;
        Ok(self.rest.split_to(at + body))
    }
}

/// What is wrong with a frame that has such a head.
fn fault_of(head: &[u8], length: u64) -> Option<Fault> {
    let (first, second) = (*head.first()?, *head.get(1)?);
    let kind = first & 0x0f;
    let control = kind & CONTROL != 0;
    if first & RESERVED != 0 {
        return Some(Fault::Protocol("reserved bits are set"));
    }
    if second & 0x80 == 0 {
        return Some(Fault::Protocol("a frame has no mask"));
    }
    match kind {
        0x1 => return Some(Fault::Text),
        0x0 | 0x2 | 0x8..=0xa => {}
        _ => return Some(Fault::Protocol("a frame is of no known kind")),
    }
    if control && (first & FINAL == 0 || length > CONTROL_LEN_MAX) {
        return Some(Fault::Protocol(
            "a control frame is too long or in fragments",
        ));
    }
    (length > FRAME_LEN_MAX).then_some(Fault::TooLong)
}

/// The length of a frame's body once its head is complete, mask included.
fn length_of(head: &[u8]) -> Option<u64> {
    let second = *head.get(1)?;
    let (length_bytes, short) = match second & 0x7f {
        126 => (2, None),
        127 => (8, None),
        short => (0, Some(u64::from(short))),
    };
    let mask_bytes = if second & 0x80 == 0 { 0 } else { 4 };
    let length = head.get(2..2 + length_bytes)?;
    let length = short.unwrap_or_else(|| {
        length
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    });
    // A length past the bound is refused as soon as it is known, and so is a frame without a mask.
    (length > FRAME_LEN_MAX || head.len() == 2 + length_bytes + mask_bytes).then_some(length)
}

impl<S> Stream for Scanner<S>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let me = self.get_mut();
        while me.rest.is_empty() {
            match Pin::new(&mut me.source).poll_next(cx) {
                Poll::Ready(Some(Ok(bytes))) => me.rest = bytes,
                end_or_pending => {
                    me.frame_out = false;
                    return end_or_pending;
                }
            }
        }
        if std::mem::take(&mut me.frame_out) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(me.cut()))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use futures_util::task::noop_waker;
    use proptest::prelude::*;

    use super::*;

    type Chunks = stream::Iter<std::vec::IntoIter<Result<Bytes, PayloadError>>>;

    fn scanner(chunks: Vec<Vec<u8>>) -> (Scanner<Chunks>, FaultCell) {
        let fault = FaultCell::default();
        let chunks: Vec<_> = chunks
            .into_iter()
            .map(|chunk| Ok(Bytes::from(chunk)))
            .collect();
        (Scanner::new(stream::iter(chunks), fault.clone()), fault)
    }

    /// What is handed on until the scanner rests, ends or refuses.
    fn turn(scanner: &mut Scanner<Chunks>) -> (Vec<u8>, Poll<Option<()>>) {
        let waker = noop_waker();
        let mut cx = Context::from_waker(&waker);
        let mut got = Vec::new();
        loop {
            match Pin::new(&mut *scanner).poll_next(&mut cx) {
                Poll::Ready(Some(Ok(bytes))) => got.extend(bytes),
                Poll::Ready(Some(Err(_))) => return (got, Poll::Ready(Some(()))),
                Poll::Ready(None) => return (got, Poll::Ready(None)),
                Poll::Pending => return (got, Poll::Pending),
            }
        }
    }

    fn frame(length: usize) -> Vec<u8> {
        let mut frame = vec![0x82];
        match length {
            0..=125 => frame.push(0x80 | length as u8),
            _ => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
        }
        frame.extend([1, 2, 3, 4]);
        frame.extend(vec![7; length]);
        frame
    }

    #[test]
    fn a_claim_past_the_bound_is_refused_before_its_body_comes() {
        let mut claim = vec![0x82, 0x80 | 127];
        claim.extend((1_u64 << 40).to_be_bytes());
        let (mut scanner, fault) = scanner(vec![claim]);
        let (_, end) = turn(&mut scanner);
        assert_eq!(
            end,
            Poll::Ready(Some(())),
            "a claim of a terabyte should be refused"
        );
        assert!(
            fault.get() == Some(Fault::TooLong),
            "the reason should be known to who closes the socket"
        );
    }

    #[test]
    fn a_head_that_should_not_be_is_known_by_itself() {
        let protocol = |head: &[u8]| matches!(fault_in(head), Some(Fault::Protocol(_)));
        assert!(
            protocol(&[0xc2, 0x81, 0, 0, 0, 0]),
            "a compressed frame should be refused"
        );
        assert!(protocol(&[0x82, 1]), "so should one without a mask");
        assert!(
            protocol(&[0x83, 0x80, 0, 0, 0, 0]),
            "and one of no known kind"
        );
        assert!(
            protocol(&[0x09, 0x80, 0, 0, 0, 0]),
            "and a ping in fragments"
        );
        assert!(
            protocol(&[0x89, 0xfe, 0, 126, 0, 0, 0, 0]),
            "and a ping of 126 bytes"
        );
        assert_eq!(
            fault_in(&[0x81, 0x81, 0, 0, 0, 0]),
            Some(Fault::Text),
            "a text should be known as one before its bytes are looked at"
        );
        assert_eq!(
            fault_in(&[0x02, 0x80, 0, 0, 0, 0]),
            None,
            "a fragment is no fault by itself"
        );
    }

    fn fault_in(head: &[u8]) -> Option<Fault> {
        let (mut scanner, fault) = scanner(vec![head.to_vec()]);
        let _ = turn(&mut scanner);
        fault.get()
    }

    #[test]
    fn one_frame_is_handed_on_at_a_time() {
        let frames = [frame(0), frame(3), frame(300)];
        let (mut scanner, fault) = scanner(vec![frames.concat()]);
        for frame in &frames[..2] {
            let (got, rest) = turn(&mut scanner);
            assert_eq!(
                &got, frame,
                "the codec should be given one whole frame and rest"
            );
            assert_eq!(
                rest,
                Poll::Pending,
                "the next should come at the next asking"
            );
        }
        let (got, end) = turn(&mut scanner);
        assert_eq!(got, frames[2], "the last frame should come whole");
        assert_eq!(end, Poll::Ready(None), "the end should follow it at once");
        assert!(fault.get().is_none(), "nothing was too long");
    }

    proptest! {
        #[test]
        fn however_the_bytes_come_the_frames_stay(
            lengths in proptest::collection::vec(0_usize..700, 1..6),
            cuts in proptest::collection::vec(1_usize..200, 1..40),
        ) {
            let frames: Vec<Vec<u8>> = lengths.into_iter().map(frame).collect();
            let mut bytes = frames.concat();
            let mut chunks = Vec::new();
            for cut in cuts.into_iter().cycle() {
                if bytes.is_empty() {
                    break;
                }
                let left = bytes.split_off(cut.min(bytes.len()));
                chunks.push(std::mem::replace(&mut bytes, left));
            }
            let (mut scanner, _) = scanner(chunks);
            let mut turns = Vec::new();
            loop {
                let (got, end) = turn(&mut scanner);
                turns.push(got);
                if end.is_ready() {
                    break;
                }
            }
            turns.retain(|turn| !turn.is_empty());
            prop_assert_eq!(turns, frames, "each turn should give one frame");
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let (mut scanner, _) = scanner(vec![bytes]);
            while turn(&mut scanner).1.is_pending() {}
        }
    }
}
