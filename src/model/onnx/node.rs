//! Reading and writing nodes: attributes by name, inputs and outputs by place.

use super::{Attribute, AttributeType, Graph, Node, TensorData};

impl Node {
    /// A node of the default domain.
    #[must_use]
    pub fn new(op_type: &str, input: &[&str], output: &[&str]) -> Self {
        Self {
            op_type: op_type.to_owned(),
            input: input.iter().map(|&name| name.to_owned()).collect(),
            output: output.iter().map(|&name| name.to_owned()).collect(),
            name: output.first().copied().unwrap_or_default().to_owned(),
            ..Self::default()
        }
    }

    /// The same node in another domain.
    #[must_use]
    pub fn in_domain(mut self, domain: &str) -> Self {
        domain.clone_into(&mut self.domain);
        self
    }

    /// The same node with one more attribute.
    #[must_use]
    pub fn with(mut self, attribute: Attribute) -> Self {
        self.attribute.push(attribute);
        self
    }

    /// The operator with its domain: `Conv`, `com.microsoft:QGemm`.
    #[must_use]
    pub fn op(&self) -> String {
        if self.domain.is_empty() || self.domain == "ai.onnx" {
            return self.op_type.clone();
        }
        format!("{}:{}", self.domain, self.op_type)
    }

    /// A name for people: the node's own, else its first output's.
    #[must_use]
    pub fn label(&self) -> &str {
        let output = self.output.first().map_or("", String::as_str);
        if self.name.is_empty() { output } else { &self.name }
    }

    /// Input by place; none if it is omitted.
    #[must_use]
    pub fn input_at(&self, at: usize) -> Option<&str> {
        self.input.get(at).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// Output by place; none if it is omitted.
    #[must_use]
    pub fn output_at(&self, at: usize) -> Option<&str> {
        self.output.get(at).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// Attribute by name.
    #[must_use]
    pub fn attr(&self, name: &str) -> Option<&Attribute> {
        self.attribute.iter().find(|attribute| attribute.name == name)
    }

    /// Integer attribute.
    #[must_use]
    pub fn attr_i(&self, name: &str) -> Option<i64> {
        self.attr(name).map(|attribute| attribute.i)
    }

    /// Float attribute.
    #[must_use]
    pub fn attr_f(&self, name: &str) -> Option<f32> {
        self.attr(name).map(|attribute| attribute.f)
    }

    /// String attribute; none if it is no UTF-8.
    #[must_use]
    pub fn attr_s(&self, name: &str) -> Option<&str> {
        self.attr(name).and_then(|attribute| std::str::from_utf8(&attribute.s).ok())
    }

    /// Integers attribute; none if it is absent.
    #[must_use]
    pub fn attr_ints(&self, name: &str) -> Option<&[i64]> {
        self.attr(name).map(|attribute| attribute.ints.as_slice())
    }

    /// Floats attribute; none if it is absent.
    #[must_use]
    pub fn attr_floats(&self, name: &str) -> Option<&[f32]> {
        self.attr(name).map(|attribute| attribute.floats.as_slice())
    }

    /// Tensor attribute.
    #[must_use]
    pub fn attr_t(&self, name: &str) -> Option<&TensorData> {
        self.attr(name).and_then(|attribute| attribute.t.as_ref())
    }

    /// Graphs in attributes: the bodies of `If`, `Loop` and `Scan`.
    pub fn subgraphs(&self) -> impl Iterator<Item = &Graph> {
        self.attribute.iter().flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs))
    }
}

impl Attribute {
    fn new(name: &str, kind: AttributeType) -> Self {
        Self { name: name.to_owned(), kind: kind as i32, ..Self::default() }
    }

    /// Integer attribute.
    #[must_use]
    pub fn int(name: &str, i: i64) -> Self {
        Self { i, ..Self::new(name, AttributeType::Int) }
    }

    /// Float attribute.
    #[must_use]
    pub fn float(name: &str, f: f32) -> Self {
        Self { f, ..Self::new(name, AttributeType::Float) }
    }

    /// String attribute.
    #[must_use]
    pub fn string(name: &str, s: &str) -> Self {
        Self { s: s.as_bytes().to_vec(), ..Self::new(name, AttributeType::String) }
    }

    /// Integers attribute.
    #[must_use]
    pub fn ints(name: &str, ints: &[i64]) -> Self {
        Self { ints: ints.to_vec(), ..Self::new(name, AttributeType::Ints) }
    }

    /// Floats attribute.
    #[must_use]
    pub fn floats(name: &str, floats: &[f32]) -> Self {
        Self { floats: floats.to_vec(), ..Self::new(name, AttributeType::Floats) }
    }

    /// Tensor attribute.
    #[must_use]
    pub fn tensor(name: &str, tensor: TensorData) -> Self {
        Self { t: Some(tensor), ..Self::new(name, AttributeType::Tensor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_by_name() {
        let node = Node::new("Conv", &["x", "", "b"], &["y"])
            .with(Attribute::int("group", 4))
            .with(Attribute::ints("strides", &[2, 2]))
            .with(Attribute::float("alpha", 0.5))
            .with(Attribute::string("auto_pad", "SAME_UPPER"));
        assert_eq!(node.attr_i("group"), Some(4));
        assert_eq!(node.attr_ints("strides"), Some(&[2, 2][..]));
        assert_eq!(node.attr_f("alpha"), Some(0.5));
        assert_eq!(node.attr_s("auto_pad"), Some("SAME_UPPER"));
        assert_eq!((node.attr_i("axis"), node.input_at(1)), (None, None));
        assert_eq!((node.input_at(2), node.op()), (Some("b"), "Conv".to_owned()));
        assert_eq!(node.in_domain("com.microsoft").op(), "com.microsoft:Conv");
    }
}
