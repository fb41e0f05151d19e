//! Whole-realm behaviour, one module per behaviour.

mod calls;
mod chat;
mod cheating;
mod command_line;
mod components;
mod deaths;
mod delivery;
mod durability;
mod extend;
mod failover;
mod house;
mod isolation;
mod javascript_client;
mod kill_the_dog;
mod link;
mod objects;
mod probe;
mod python_client;
mod restart;
mod rules;
mod scene;
mod sight;
mod statistics;
mod stepping;
mod stepping_engine;
mod time;
