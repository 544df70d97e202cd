//! `spider`: trains the ranker of models for a task, judges it on datasets that it has not
//! seen, and writes its file.

mod export;
mod facts;
mod fit;
mod judge;
mod loss;
mod network;
mod verb;

pub(crate) use verb::Spider;
