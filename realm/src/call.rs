//! Calls: RPC that reads like a method. A caller waits with a deadline; a pending call ends by reply, deadline, or the
//! end of its service. How a service answers is in `table`; how it waits is in `pending`.

mod caller;
mod pending;
mod table;

pub use caller::Caller;
pub(crate) use pending::Pending;
pub use table::CallTable;
pub(crate) use table::Request;
