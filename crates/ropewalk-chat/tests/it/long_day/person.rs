//! [`Person`]: what people have in common, whatever they come by.

use std::time::Duration;

use ropewalk_core::Time;

use super::wire::{Fault, Wire};
use super::world::World;

/// One who comes, talks, is cut off, comes back and goes, as chance has it.
pub(crate) trait Person {
    /// Reads what has come, and goes on with what is under way.
    fn look(&mut self, world: &World);
    /// Does something of their own will; comes, if they are not there.
    fn act(&mut self, world: &World);
    /// Something happens to one of their connections.
    fn suffer(&mut self, world: &World, fault: Fault);
    /// Leaves, or is simply gone.
    fn go(&mut self, world: &World);
    /// It is quiet, and has been for minutes: unless they are cut off and do not know it, they have heard everything.
    fn check_all_heard(&mut self);
}

/// Until when somebody reads nothing.
#[derive(Default)]
pub(crate) struct Slowness(Option<Time>);

/// What has waited for who was slow is there after this.
const CATCH_UP: Duration = Duration::from_secs(60);

impl Slowness {
    /// Of `fault`, if it is one of being slow: up to so many seconds.
    pub(crate) fn begin(&mut self, world: &World, fault: Fault, seconds: u64) {
        if matches!(fault, Fault::Slow) {
            self.0 = Some(world.now() + Duration::from_secs(world.below(seconds)));
        }
    }

    /// Has them read again when it is time.
    pub(crate) fn look(&mut self, world: &World, wire: Option<&Wire>) {
        let Some(since) = self.0.map(|until| world.now().since(until)) else { return };
        if since > Duration::ZERO {
            wire.into_iter().for_each(Wire::hurry);
        }
        if since >= CATCH_UP {
            self.0 = None;
        }
    }

    /// They have had time to read everything.
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_none()
    }
}
