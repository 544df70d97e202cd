//! The `umbra` program: build the world, dispatch one verb, exit with its code.

fn main() {}
