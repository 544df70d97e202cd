//! Model Spider, small: one learned score for a model and a task (arXiv 2306.03900).
//!
//! A model is one token, made of its [card and behaviour](portrait) on the reference images,
//! so that any ONNX file has one; a task is a token a class ([`crate::task::tokens`]); what
//! the samples' scores say of the model ([`views`]) is one token more. docs/ranker.md says what
//! is in the file, how it was trained and how good it is.

mod classes;
mod hardware;
mod portrait;
mod scorer;
mod views;

pub use classes::{CLASS, Class, classes, groups};
pub use hardware::{GROUPS, HARDWARE, Hardware, hardware};
pub use portrait::{Portrait, WIDTH, portrait, stated};
pub use scorer::{Question, Scorer, names};
pub use views::{VIEWS, Viewed, views};
