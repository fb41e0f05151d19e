//! Servers that tests start: each with data of its own, and gone when the test is, however that ends.

mod postgres;

pub use postgres::Postgres;
