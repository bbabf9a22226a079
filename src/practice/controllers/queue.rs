//! What the controllers still have to look at, and when.
//!
//! Here: order and times of work. Not here: the work.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tokio::time::Instant;

/// First come, first served; each piece of work waits at most once in the line
/// and at most once for a time.
#[derive(Debug)]
pub(super) struct Queue<W> {
    line: VecDeque<W>,
    waiting: BTreeSet<W>,
    due: BTreeMap<W, Instant>,
    times: BTreeSet<(Instant, W)>,
}

impl<W: Clone + Ord> Queue<W> {
    pub fn new() -> Self {
        Self { line: VecDeque::new(), waiting: BTreeSet::new(), due: BTreeMap::new(), times: BTreeSet::new() }
    }

    /// Puts work at the end of the line, unless it is in it.
    pub fn push(&mut self, work: W) {
        if self.waiting.insert(work.clone()) {
            self.line.push_back(work);
        }
    }

    /// Puts work in the line at a time. The earlier of two times counts.
    pub fn at(&mut self, work: W, time: Instant) {
        if let Some(due) = self.due.get(&work) {
            if *due <= time {
                return;
            }
            self.times.remove(&(*due, work.clone()));
        }
        self.due.insert(work.clone(), time);
        self.times.insert((time, work));
    }

    /// The next piece of work, if there is any at this time.
    pub fn next(&mut self, now: Instant) -> Option<W> {
        while let Some((time, _)) = self.times.first() {
            if *time > now {
                break;
            }
            if let Some((_, work)) = self.times.pop_first() {
                self.due.remove(&work);
                self.push(work);
            }
        }
        let work = self.line.pop_front()?;
        self.waiting.remove(&work);
        Some(work)
    }

    /// When there will be work, if nothing else comes.
    pub fn next_time(&self) -> Option<Instant> {
        self.times.first().map(|(time, _)| *time)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn work_is_done_once_in_the_order_it_came() {
        let now = Instant::now();
        let mut queue = Queue::new();
        for work in ["b", "a", "b"] {
            queue.push(work);
        }
        assert_eq!(queue.next(now), Some("b"));
        assert_eq!(queue.next(now), Some("a"));
        assert_eq!(queue.next(now), None);
    }

    #[test]
    fn of_two_times_the_earlier_counts() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let mut queue = Queue::new();
        queue.at("a", now + 2 * second);
        queue.at("a", now + second);
        queue.at("a", now + 3 * second);
        assert_eq!(queue.next_time(), Some(now + second));
        assert_eq!(queue.next(now), None);
        assert_eq!(queue.next(now + second), Some("a"));
        assert_eq!(queue.next(now + 9 * second), None);
        assert_eq!(queue.next_time(), None);
    }
}
