//! Tests of the `rotate` function.

mod aws;
mod contract;
mod crash;
mod fakes;
mod gate;
mod real;
mod servers;
mod town;
