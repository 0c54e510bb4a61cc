"""Reading a `.safetensors` file, half precision included."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..ground.files import FileError

FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


@dataclass(frozen=True)
class TensorFile:
    """The tensors of one file by name, as bytes until they are asked for.

    Attributes
    ----------
    path : where they are from.
    shapes : the shape of every tensor.
    """

    path: Path
    shapes: dict[str, tuple[int, ...]]
    _kinds: dict[str, str]
    _bytes: dict[str, bytearray]

    def values(self, name: str) -> np.ndarray:
        """Return a tensor in float64.

        Raises
        ------
        FileError : it holds no floating-point numbers, or one that is not finite.
        """
        kind = self._kinds[name]
        if kind not in FLOATS:
            raise self.refusal(f"{name} is of the type {kind}; allowed: {', '.join(FLOATS)}")
        values = np.frombuffer(self._bytes[name], FLOATS[kind])
        if kind == "BF16":  # the upper half of a float32, which NumPy has no type for
            values = (values.astype(np.uint32) << 16).view(np.float32)
        if not np.isfinite(values).all():
            raise self.refusal(f"{name} is not finite")
        return values.reshape(self.shapes[name]).astype(np.float64)

    def replaced(self, made: dict[str, np.ndarray], gone: set[str]) -> "TensorFile":
        """Return the file with some tensors made and others gone."""
        tensors = {
            name: (self._kinds[name], shape, self._bytes[name])
            for name, shape in self.shapes.items()
            if name not in gone
        }
        for name, values in made.items():
            tensors[name] = "F64", values.shape, values.astype("<f8").tobytes()
        return _of(self.path, tensors)

    def refusal(self, reason: str) -> FileError:
        """Return the error that says why the file is of no use."""
        return FileError(f"cannot use {self.path}: {reason}")


def read(path: str | Path) -> TensorFile:
    """Read a `.safetensors` file.

    Raises
    ------
    FileError : it is missing, truncated, or no such file.
    """
    import safetensors  # what only nets from elsewhere need

    try:
        tensors = dict(safetensors.deserialize(Path(path).read_bytes()))
        with safetensors.safe_open(path, "numpy") as file:
            remarks = file.metadata() or {}
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error
    except safetensors.SafetensorError as error:
        reason = str(error).removeprefix("Error while deserializing: ")
        raise FileError(f"cannot read {path}: not a safetensors file ({reason})") from error
    # Weights that two modules share are saved once, with a remark on the other name.
    tensors |= {other: tensors[name] for other, name in remarks.items() if name in tensors}
    return _of(
        Path(path),
        {name: (part["dtype"], part["shape"], part["data"]) for name, part in tensors.items()},
    )


def _of(path: Path, tensors: dict[str, tuple]) -> TensorFile:
    """Return a file of tensors, each with its type, shape and bytes."""
    tensors = dict(sorted(tensors.items()))
    return TensorFile(
        path,
        {name: tuple(shape) for name, (_, shape, _) in tensors.items()},
        {name: kind for name, (kind, _, _) in tensors.items()},
        {name: data for name, (_, _, data) in tensors.items()},
    )
