//! [`AccountList`]: accounts that do not change.

use ropewalk_core::Deferred;

use super::Accounts;
use super::settings::same_secret;

/// A few accounts, by name and password, as a file of settings has them.
#[derive(Clone, Default)]
pub struct AccountList(Vec<(String, String)>);

impl AccountList {
    /// These, each a name and a password. A name stands for itself only as it is written.
    pub fn new(accounts: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(accounts.into_iter().collect())
    }
}

impl Accounts for AccountList {
    fn check(&self, account: &str, password: &str) -> Deferred<Option<String>> {
        let is_it =
            |(name, secret): &&(String, String)| name == account && same_secret(secret, password);
        Deferred::succeed(self.0.iter().find(is_it).map(|(name, _)| name.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_knows_the_password_owns_the_account() {
        let list = AccountList::new([("ann".to_owned(), "rope".to_owned())]);
        for (name, password, owned) in
            [("ann", "rope", true), ("ann", "rop", false), ("Ann", "rope", false), ("", "", false)]
        {
            let checked = list.check(name, password).into_result();
            let checked = checked.ok().and_then(Result::ok).expect("it is known at once");
            assert_eq!(checked.is_some(), owned, "{name} {password}");
        }
    }
}
