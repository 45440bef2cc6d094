//! `nightshift secrets` and `nightshift secret put`.

mod canary;
mod commands;
mod list;
mod put;
mod shop;
mod sync;
mod unstick;
