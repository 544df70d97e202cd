"""Which candidates the zoo has: what is trained (family on source) and how each is shipped."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scheme:
    """One way to quantise: graph format, activation and weight types, scale per output channel or per tensor."""

    name: str
    format: str
    activation: str
    weight: str
    per_channel: bool


SCHEMES = {scheme.name: scheme for scheme in (
    Scheme("qdq", "QDQ", "u8", "s8", True),
    Scheme("qdq-s8", "QDQ", "s8", "s8", True),
    Scheme("qdq-s8t", "QDQ", "s8", "s8", False),
    Scheme("qop", "QOperator", "u8", "s8", True),
    Scheme("qop-u8t", "QOperator", "u8", "u8", False),
    Scheme("qop-s8", "QOperator", "s8", "s8", True),
)}


@dataclass(frozen=True)
class Member:
    """A trained network and the forms it ships in.

    `schemes` names int8 forms; `twin` adds the float32 form; `bf16` trains with bfloat16 arithmetic.
    """

    family: str
    source: str
    schemes: tuple
    epochs: int = 20
    twin: bool = False
    opset: int = 13
    bf16: bool = False

    @property
    def key(self) -> str:
        return f"{self.family}-{self.source}"

    def ids(self) -> list:
        """(model id, scheme or None) for every file of this member."""
        out = [(f"{self.key}-int8-{SCHEMES[s].format.lower().replace('qoperator', 'qop')}", SCHEMES[s])
               for s in self.schemes]
        return out + ([(f"{self.key}-float32", None)] if self.twin else [])


MEMBERS = (
    Member("resnet8", "letters", ("qdq",), epochs=10, bf16=True),
    Member("dscnn", "notmnist", ("qdq",), twin=True),
    Member("cnn-small", "mnist", ("qdq-s8t",)),
    Member("cnn-wide", "kannada", ("qop-u8t",), epochs=15),
    Member("resnet8", "notmnist", ("qop", "qdq"), epochs=15, twin=True),
    Member("mbv2", "mnist", ("qdq-s8", "qop-s8"), epochs=15),
    Member("squeeze", "omniglot", ("qop",)),
    Member("mbv1-025", "cifar10", ("qop",), epochs=25),
    Member("resnet8", "cifar10", ("qop-s8",), epochs=25),
    Member("dscnn", "signs", ("qop-u8t",), epochs=15),
    Member("cnn-small", "omniglot", ("qop",)),
    Member("cnn-small", "digmnist", ("qdq",), epochs=10, opset=17),
)
SMOKE = (
    Member("cnn-small", "letters", ("qdq", "qop-u8t"), epochs=8, twin=True),
    Member("squeeze", "letters", ("qop",), epochs=3),
)
