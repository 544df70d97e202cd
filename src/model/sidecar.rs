//! Reading a sidecar, and holding it against the model it speaks of.

use std::collections::HashSet;

use super::onnx::Model;
use super::{Candidate, Card, Manifest, Preprocess, Rejection, Stage};
use crate::base::Digest;

/// The schema that this program reads.
const SCHEMA: u32 = 1;

/// Reads a sidecar that belongs to the model `id` with this hash.
pub(super) fn read(text: &str, id: &str, sha256: Digest) -> Result<Manifest, Rejection> {
    let manifest: Manifest = toml::from_str(text).map_err(|error| {
        let line = error.to_string().lines().last().unwrap_or_default().to_owned();
        refuse(format!("cannot be read: {line}"), "correct it; docs/models.md lists its keys")
    })?;
    if manifest.schema != SCHEMA {
        return Err(refuse(
            format!("is of schema {}; this program reads {SCHEMA}", manifest.schema),
            "use a newer program, or write the sidecar for schema 1",
        ));
    }
    if manifest.id != id {
        return Err(refuse(
            format!("is for {:?}, the file is {id:?}", manifest.id),
            "give model and sidecar the same name",
        ));
    }
    if manifest.sha256 != sha256 {
        return Err(refuse(
            format!("is for another file: sha256 {}, not {}", manifest.sha256, sha256),
            "copy model and sidecar again, together",
        ));
    }
    manifest.preprocess.iter().try_for_each(preprocess)?;
    Ok(manifest)
}

fn refuse(what: String, help: &str) -> Rejection {
    Rejection {
        stage: Stage::Read,
        reason: format!("the sidecar {what}"),
        help: Some(help.to_owned()),
    }
}

fn preprocess(preprocess: &Preprocess) -> Result<(), Rejection> {
    let Preprocess { channels, height, width, mean, std, .. } = preprocess;
    let fault = |what: &str| Err(refuse(format!("has a preprocessing {what}"), "correct it"));
    if !matches!(channels, 1 | 3) {
        return fault("of channels other than 1 or 3");
    }
    if *height == 0 || *width == 0 || height.checked_mul(*width).is_none_or(|area| area > 1 << 26) {
        return fault("of an impossible size");
    }
    if mean.len() != *channels as usize || std.len() != *channels as usize {
        return fault("without one mean and one std per channel");
    }
    if mean.iter().chain(std).any(|value| !value.is_finite()) || std.contains(&0.0) {
        return fault("with a mean or std that cannot be computed with");
    }
    Ok(())
}

/// Whether what the sidecar says of the model is true of it.
pub(super) fn agrees(manifest: &Manifest, card: &Card, model: &Model) -> Result<(), Rejection> {
    let nodes = model.graph.iter().flat_map(|graph| &graph.node);
    let tensors: HashSet<&str> = nodes.flat_map(|node| &node.output).map(String::as_str).collect();
    let named = manifest.outputs.iter().flat_map(|outputs| [&outputs.features, &outputs.scores]);
    if let Some(name) = named.flatten().find(|name| !tensors.contains(name.as_str())) {
        return Err(refuse(
            format!("names output {name:?}, which the model does not compute"),
            "correct the name; `umbra inspect` lists the outputs",
        ));
    }
    match (&manifest.preprocess, Preprocess::guesses(card).into_iter().next()) {
        (Some(stated), Some(seen)) if !same_input(stated, &seen) => Err(refuse(
            format!(
                "prepares {}x{}x{} pixels, the model reads {}x{}x{}",
                stated.height,
                stated.width,
                stated.channels,
                seen.height,
                seen.width,
                seen.channels
            ),
            "correct the preprocessing; `umbra inspect` lists the inputs",
        )),
        _ => Ok(()),
    }
}

fn same_input(stated: &Preprocess, seen: &Preprocess) -> bool {
    (stated.channels, stated.height, stated.width) == (seen.channels, seen.height, seen.width)
}
/// A sidecar's text with this behaviour in it: of the sidecar that there is, every other line as it is;
/// of none, the least that one must say.
#[must_use]
pub fn with_behaviour(candidate: &Candidate, text: Option<&str>, behaviour: &[f32]) -> String {
    let numbers: Vec<String> = behaviour.iter().map(|number| format!("{number:.5}")).collect();
    let line = format!("behaviour = [{}]", numbers.join(", "));
    let least = || {
        format!(
            "schema = {SCHEMA}\nid = {:?}\nfamily = \"\"\nlicence = \"\"\nsha256 = \"{}\"\n",
            candidate.id, candidate.sha256
        )
    };
    let text = text.map_or_else(least, str::to_owned);
    // Keys of the whole come before the first table.
    let lines: Vec<&str> = text.lines().collect();
    let is_table = |line: &&str| line.trim_start().starts_with('[');
    let first = lines.iter().position(is_table).unwrap_or(lines.len());
    let (own, tables) = lines.split_at(first);
    let is_old = |line: &&str| line.trim_start().starts_with("behaviour");
    let mut own: Vec<&str> = own.iter().copied().filter(|line| !is_old(line)).collect();
    while own.last().is_some_and(|line| line.trim().is_empty()) {
        own.pop();
    }
    let blank = (!tables.is_empty()).then_some("");
    let rest = tables.iter().copied();
    let lines: Vec<&str> =
        own.into_iter().chain([line.as_str()]).chain(blank).chain(rest).collect();
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate() -> Candidate {
        crate::model::extractor()
    }

    #[test]
    fn a_behaviour_goes_before_the_tables_and_replaces_the_one_before() {
        let (candidate, old) =
            (candidate(), "schema = 1 # kept\nbehaviour = [1.0]\n\n[source]\ntask = \"t\"\n");
        let text = with_behaviour(&candidate, Some(old), &[0.5, 2.0]);
        let new = "schema = 1 # kept\nbehaviour = [0.50000, 2.00000]\n\n[source]\ntask = \"t\"\n";
        assert_eq!(text, new);
        assert_eq!(with_behaviour(&candidate, Some(new), &[0.5, 2.0]), new);
    }

    #[test]
    fn where_there_is_no_sidecar_the_new_one_can_be_read() {
        let candidate = candidate();
        let text = with_behaviour(&candidate, None, &[0.25]);
        let manifest = read(&text, &candidate.id, candidate.sha256).unwrap();
        assert_eq!(manifest.behaviour.as_deref(), Some(&[0.25][..]));
        assert_eq!(manifest.preprocess, None, "what is not known is not stated");
    }
}
