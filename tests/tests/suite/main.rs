//! What only shows across crates: the template against the code, the crates against one another, and everything together on
//! a local AWS with the built function.

mod bad_input;
mod dependencies;
mod growing;
mod harness;
mod observing;
mod permissions;
mod repeats;
mod shop;
mod stopping;
mod template;
mod without_ledger;
