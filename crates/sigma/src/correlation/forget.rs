//! How the correlator forgets: groups that no later event can need, and under its limits the ones that were quiet longest.

use crate::correlation::Correlator;
use crate::correlation::correlator::GROUP_BYTES;
use crate::correlation::observation::{Cut, CutCause};
use crate::correlation::signal::key_bytes;

impl Correlator {
    /// Forgets the groups that can no longer matter to any later event.
    pub(super) fn forget_quiet(&mut self, now_us: i64) {
        for index in 0..self.memories.len() {
            let oldest = now_us.saturating_sub(self.plans.list[index].span_us);
            while self.memories[index]
                .touched
                .front()
                .is_some_and(|(touched, _)| *touched < oldest)
            {
                self.forget_oldest(index, oldest);
            }
        }
    }

    /// Looks at the group touched longest ago: forgets it if it was not touched since, else puts it back in line.
    fn forget_oldest(&mut self, index: usize, oldest_us: i64) -> bool {
        let memory = &mut self.memories[index];
        let Some((touched_us, key)) = memory.touched.pop_front() else {
            return false;
        };
        let Some(group) = memory.groups.get(&key) else {
            return false;
        };
        if group.last_us > touched_us && group.last_us >= oldest_us {
            memory.touched.push_back((group.last_us, key));
            return false;
        }
        self.groups -= 1;
        self.group_bytes -= GROUP_BYTES + key_bytes(&key) + group.state.bytes();
        memory.groups.remove(&key);
        true
    }

    /// Forgets groups until the limits hold: open windows only when no sliding group is left.
    pub(super) fn hold_limits(&mut self, now_us: i64) {
        while self.groups > self.limits.groups_max || self.group_bytes > self.limits.state_bytes_max / 2 {
            let sliding = (0..self.memories.len()).filter(|index| !self.memories[*index].touched.is_empty());
            let oldest = sliding.min_by_key(|index| self.memories[*index].touched.front().map(|(touched, _)| *touched));
            if let Some(index) = oldest {
                if self.forget_oldest(index, i64::MIN) {
                    self.cut(Some(self.plans.list[index].source), now_us, CutCause::Group);
                }
                continue;
            }
            let Some(index) = (0..self.memories.len()).max_by_key(|index| self.memories[*index].tallies.len()) else {
                return;
            };
            let Some((key, open)) = self.memories[index].tallies.pop_first() else {
                return;
            };
            self.groups -= 1;
            self.group_bytes -= GROUP_BYTES + key_bytes(&key) + open.tally.bytes();
            self.cut(Some(self.plans.list[index].source), now_us, CutCause::Group);
        }
    }

    pub(super) fn cut(&mut self, correlation: Option<usize>, time_us: i64, cause: CutCause) {
        self.counts.cuts += 1;
        if self.cuts.len() < self.limits.cuts_max {
            self.cuts.push(Cut {
                correlation,
                time_us,
                cause,
            });
        }
    }
}
