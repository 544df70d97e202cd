//! The files in folders of facts. Of one model, or one task and model, the last folder counts.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use umbra::model::npz::read_npz;
use umbra::rank::cost::roofline::Rates;
use umbra::rank::relevance::Kin;

use super::{Cost, FactsError, SHOTS, Shown};
use crate::table::{Table, TableError, number};
use crate::work;

/// Form of the scores that are learned from.
pub(crate) const FORM: &str = "int8";
/// Speeds of boards: an object of rates by device and configuration.
pub(crate) const SPEEDS: &str = "boards.json";

/// One table of every folder; all must have it.
fn tables(folders: &[PathBuf], name: &'static str) -> Result<Vec<Table>, FactsError> {
    let missing = |folder: &PathBuf| FactsError::Missing { folder: folder.clone(), name };
    let table = |folder: &PathBuf| Table::read(folder, name)?.ok_or_else(|| missing(folder));
    folders.iter().map(table).collect()
}

/// Portrait and costs of each model.
pub(super) fn portraits(
    folders: &[PathBuf],
) -> Result<BTreeMap<String, (Vec<f32>, Cost)>, FactsError> {
    let mut found = BTreeMap::new();
    for table in tables(folders, "portraits")? {
        for [model, portrait, bytes, memory, work] in
            table.rows(["model", "portrait", "bytes", "memory", "work"])?
        {
            let portrait = portrait.split(' ').filter_map(|word| word.parse().ok()).collect();
            let [bytes, memory] = [bytes, memory].map(|cell| number(cell).unwrap_or_default());
            let work = work::nodes(work);
            found.insert(model.to_owned(), (portrait, Cost { bytes, memory, work }));
        }
    }
    Ok(found)
}

/// What each model has in common with others: its source and its family.
pub(super) fn kin(folders: &[PathBuf], models: &[String]) -> Result<Vec<Kin>, FactsError> {
    let mut known: HashMap<String, Kin> = HashMap::new();
    for table in tables(folders, "backbones")? {
        let rows = table.rows(["backbone", "family", "source"])?;
        known.extend(rows.map(|[model, family, source]| {
            (model.to_owned(), Kin::named(Some(source), Some(family)))
        }));
    }
    let of = |model: &String| known.get(model.as_str()).cloned();
    Ok(models.iter().map(|model| of(model).unwrap_or_else(|| Kin::named(None, None))).collect())
}

/// Scores of each task and model.
pub(super) fn scores(
    folders: &[PathBuf],
    models: &[String],
) -> Result<BTreeMap<String, BTreeMap<usize, Shown>>, FactsError> {
    let place: HashMap<&str, usize> = models.iter().map(String::as_str).zip(0..).collect();
    let mut found: BTreeMap<String, BTreeMap<usize, Shown>> = BTreeMap::new();
    let columns = ["backbone", "task", "form", "shots", "logme", "hscore-shrunk", "nce"];
    for table in tables(folders, "scores")? {
        for [model, task, form, shots, logme, hscore, nce] in table.rows(columns)? {
            let shots = SHOTS.into_iter().find(|known| *known == shots && form == FORM);
            let Some((model, shots)) = place.get(model).zip(shots) else { continue };
            let of_task = found.entry(task.to_owned()).or_default();
            of_task.entry(*model).or_default().insert(shots, [logme, hscore, nce].map(number));
        }
    }
    Ok(found)
}

/// Accuracy by model and task.
pub(super) fn truths(folders: &[PathBuf]) -> Result<HashMap<(String, String), f64>, FactsError> {
    let mut found = HashMap::new();
    for table in tables(folders, "probe")? {
        let rows = table.rows(["backbone", "task", "form", "accuracy"])?;
        let mine = rows.filter(|[_, _, form, _]| *form == FORM);
        found.extend(mine.filter_map(|[model, task, _, accuracy]| {
            Some(((model.to_owned(), task.to_owned()), number(accuracy)?))
        }));
    }
    Ok(found)
}

/// Prototypes of the classes of each task.
pub(super) fn prototypes(
    folders: &[PathBuf],
) -> Result<HashMap<String, Vec<Vec<f32>>>, FactsError> {
    let mut found = HashMap::new();
    for path in folders.iter().map(|folder| folder.join("tokens.npz")) {
        let arrays = read_npz(&bytes(&path)?)
            .map_err(|source| FactsError::Tokens { path: path.clone(), source })?;
        found.extend(arrays.into_iter().filter_map(|(name, array)| {
            let width = *array.shape.get(1)?;
            let values = array.to_f32()?;
            Some((name, values.chunks(width.max(1)).map(<[f32]>::to_vec).collect()))
        }));
    }
    Ok(found)
}

/// Speeds of the boards that were measured; a folder need not have any.
pub(super) fn boards(folders: &[PathBuf]) -> Result<Vec<Rates>, FactsError> {
    let mut found = Vec::new();
    for path in folders.iter().map(|folder| folder.join(SPEEDS)).filter(|path| path.exists()) {
        let known: BTreeMap<String, Rates> = serde_json::from_slice(&bytes(&path)?)
            .map_err(|source| FactsError::Boards { path: path.clone(), source })?;
        found.extend(known.into_values());
    }
    Ok(found)
}

fn bytes(path: &Path) -> Result<Vec<u8>, FactsError> {
    std::fs::read(path).map_err(|source| TableError::Open { path: path.to_owned(), source }.into())
}
