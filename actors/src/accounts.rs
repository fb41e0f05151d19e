//! Who may play: accounts, passwords, tokens, and the rule for names.

mod calls;
mod guesses;
mod module;
mod name;
mod password;

pub use calls::{AccountError, Accounts, AccountsProxy, LoggedIn};
pub use module::AccountsModule;
