//! [`Person`]: what people have in common, whatever they come by.

use super::wire::Fault;
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
    fn check_all_heard(&mut self, world: &World);
}
