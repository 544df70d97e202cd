//! The models that are raced, with inputs that mean something.

use std::path::{Path, PathBuf};

use umbra::model::npz::read_npz;
use umbra::model::{self, Candidate, Quantization, Tensor, TensorInfo};

/// One model.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) id: String,
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    pub(crate) quantised: bool,
    /// Named inputs of the golden cases; none where the model has no goldens.
    cases: Vec<Vec<(String, Tensor)>>,
}

/// At most so many golden cases are used.
const CASES: usize = 4;

/// Every valid model of the folder whose name contains one of the words, if there are any.
pub(crate) fn all(models: &Path, only: &[String]) -> Vec<Subject> {
    let candidates = model::open(&[models.to_owned()]).unwrap();
    // The float twin of a wished model is raced too.
    let family = |id: &str| only.iter().any(|word| id.contains(word.as_str()));
    let wished = |candidate: &Candidate| only.is_empty() || family(&candidate.id);
    candidates.iter().filter(|c| wished(c)).filter_map(|c| subject(models, c)).collect()
}

fn subject(models: &Path, candidate: &Candidate) -> Option<Subject> {
    let id = candidate.id.clone();
    let bytes = match candidate.read() {
        Ok(bytes) => bytes,
        Err(rejection) => {
            println!("{id:24} left out: {}", rejection.reason);
            return None;
        }
    };
    let float = matches!(
        candidate.card.as_ref()?.quantization,
        Quantization::Float32 | Quantization::Float16
    );
    let quantised = !float && float_stem(&id).is_none();
    let cases = cases(&models.join(format!("goldens/{id}.npz")));
    Some(Subject { path: models.join(format!("{id}.onnx")), id, bytes, quantised, cases })
}

/// The family of a float model: its name without the type.
fn float_stem(id: &str) -> Option<&str> {
    id.strip_suffix("_f32").or_else(|| id.strip_suffix("_f"))
}

fn cases(path: &Path) -> Vec<Vec<(String, Tensor)>> {
    let Ok(bytes) = std::fs::read(path) else { return Vec::new() };
    let golden = read_npz(&bytes).unwrap();
    let names = golden["names_in"].to_strings().unwrap();
    let case = |case: usize| {
        let input = |at: usize| golden.get(&format!("in{case}_{at}")).cloned();
        names.iter().enumerate().map(|(at, name)| Some((name.clone(), input(at)?))).collect()
    };
    (0..CASES).map_while(case).collect()
}

impl Subject {
    /// Whether this is the quantised form of that float model.
    pub(crate) fn is_quantised_form_of(&self, other: &Self) -> bool {
        let stem = float_stem(&other.id).filter(|_| !other.quantised);
        self.quantised && stem.is_some_and(|stem| self.id.starts_with(&format!("{stem}_")))
    }

    /// Shapes of the goldens, for open dimensions.
    pub(crate) fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        let case = self.cases.first().into_iter().flatten();
        case.map(|(name, tensor)| (name.clone(), tensor.shape.clone())).collect()
    }

    /// Inputs in a session's order: those of the goldens, else one of zeros.
    pub(crate) fn inputs(&self, wanted: &[TensorInfo]) -> Vec<Vec<Tensor>> {
        let named = |case: &Vec<(String, Tensor)>| {
            let find = |info: &TensorInfo| case.iter().find(|(name, _)| *name == info.name);
            wanted.iter().map(|info| Some(find(info)?.1.clone())).collect()
        };
        let found: Option<Vec<Vec<Tensor>>> = self.cases.iter().map(named).collect();
        let found = found.filter(|cases| !cases.is_empty());
        found.unwrap_or_else(|| vec![wanted.iter().map(zeros).collect()])
    }
}

pub(crate) fn zeros(info: &TensorInfo) -> Tensor {
    let shape: Vec<usize> = info.shape.iter().map(|dim| dim.unwrap_or(1) as usize).collect();
    let bytes = shape.iter().product::<usize>() * info.dtype.size().unwrap_or(0);
    Tensor { dtype: info.dtype, shape, data: vec![0; bytes] }
}
