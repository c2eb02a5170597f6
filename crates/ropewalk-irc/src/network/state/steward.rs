//! What the program itself asks and does, as nobody on the network.

use super::State;
use crate::network::{ChannelFlag, Network, Refusal};

impl Network {
    /// Whether anybody may know of a channel and come to it: it is there, and is neither secret (`+s`), nor for the
    /// invited (`+i`), nor has a key (`+k`).
    pub fn is_public(&self, channel: &str) -> bool {
        self.lock().is_public(channel)
    }

    /// Sets a flag of a channel, or takes it back, before anybody is there: nobody is told.
    ///
    /// # Errors
    /// `NoSuchChannel`.
    pub fn set_flag(&self, channel: &str, flag: ChannelFlag, on: bool) -> Result<(), Refusal> {
        self.lock().channel_mut(channel)?.modes.set(flag, on);
        Ok(())
    }
}

impl State {
    fn is_public(&self, channel: &str) -> bool {
        let hides = [ChannelFlag::Secret, ChannelFlag::InviteOnly];
        self.channel(channel).is_ok_and(|channel| {
            channel.modes.key.is_none() && !hides.iter().any(|flag| channel.modes.has(*flag))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use ropewalk_core::Time;

    use super::*;
    use crate::network::{Listener, NetworkLimits, Notice, Registration, Server};

    struct Deaf;

    impl Listener for Deaf {
        fn notified(&self, _: &Notice) {}
    }

    #[test]
    fn a_channel_is_public_if_all_may_know_of_it_and_come() {
        let network = Network::new(NetworkLimits::default());
        let server = Server::on(&network);
        let alice = server.connect(Time::START, &Registration::new("alice"), Rc::new(Deaf));
        let alice = alice.expect("nobody is called so");
        assert!(!network.is_public("#den"), "it is not there");
        alice.join(Time::START, "#den", None).expect("all may");
        assert!(network.is_public("#DEN"));
        for flag in [ChannelFlag::Secret, ChannelFlag::InviteOnly] {
            network.set_flag("#den", flag, true).expect("it is there");
            assert!(!network.is_public("#den"));
            network.set_flag("#den", flag, false).expect("it is there");
        }
        assert!(network.is_public("#den"));
        assert_eq!(
            network.set_flag("#nowhere", ChannelFlag::Secret, true),
            Err(Refusal::NoSuchChannel)
        );
    }
}
