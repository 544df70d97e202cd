//! The engine of the house: quantised models run on integers, channels last.
//!
//! `front/` reads a file into a fused [`ir::Program`]; `back/` plans its memory, packs
//! its weights and runs it. What the front cannot express is refused by name.
#![cfg_attr(not(test), expect(dead_code, reason = "nothing runs programs yet"))]

mod front;
mod ir;
#[cfg(test)]
mod reference;
